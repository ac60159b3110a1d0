#include "control_socket.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "failure.hpp"

namespace drainpipe {
namespace {

Descriptor datagram_socket() {
    Descriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket.is_open()) {
        throw_errno("cannot make a socket");
    }
    return socket;
}

sockaddr_un address_of(const std::filesystem::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    return address;
}

// 0 where nothing is there.
ino_t inode_of(const std::filesystem::path& path) {
    struct stat info {};
    return ::lstat(path.c_str(), &info) == 0 ? info.st_ino : 0;
}

}  // namespace

ControlSocket::ControlSocket(std::filesystem::path path) : path_(std::move(path)) { bind(); }

ControlSocket::~ControlSocket() {
    if (is_current()) {
        ::unlink(path_.c_str());
    }
}

bool ControlSocket::renew() {
    try {
        bind();
        return true;
    } catch (const std::system_error&) {
        return false;
    }
}

void ControlSocket::bind() {
    Descriptor socket = datagram_socket();
    const sockaddr_un address = address_of(path_);
    ::unlink(path_.c_str());
    const mode_t mask = ::umask(0177);
    const int bound = ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address),
                             static_cast<socklen_t>(sizeof address));
    ::umask(mask);
    if (bound != 0) {
        throw_errno("cannot bind " + path_.string());
    }
    socket_ = std::move(socket);
    inode_ = inode_of(path_);
}

bool ControlSocket::is_current() const { return inode_ != 0 && inode_of(path_) == inode_; }

std::optional<std::string> ControlSocket::receive() const {
    std::array<char, kMaxBytes> text;
    const ssize_t count = ::recv(socket_.get(), text.data(), text.size(), 0);
    if (count < 0) {
        return std::nullopt;
    }
    return std::string(text.data(), static_cast<std::size_t>(count));
}

bool ControlSocket::send(const std::filesystem::path& path, const std::string& command) {
    const Descriptor socket = datagram_socket();
    const sockaddr_un address = address_of(path);
    if (::sendto(socket.get(), command.data(), command.size(), MSG_NOSIGNAL,
                 reinterpret_cast<const sockaddr*>(&address),
                 static_cast<socklen_t>(sizeof address)) >= 0) {
        return true;
    }
    if (errno == ENOENT || errno == ECONNREFUSED || errno == ENOTSOCK) {
        return false;
    }
    throw_errno("cannot reach the launcher by " + path.string());
}

}  // namespace drainpipe
