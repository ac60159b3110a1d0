#include "listener.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "failure.hpp"

namespace drainpipe {

Listener::Listener(std::filesystem::path path, mode_t mode, std::optional<gid_t> group)
    : path_(std::move(path)),
      socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    if (!socket_.is_open()) {
        throw_errno("cannot make a socket");
    }
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path_.c_str(), sizeof address.sun_path - 1);

    ::unlink(path_.c_str());
    const mode_t mask = ::umask(0177);
    const int bound = ::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address),
                             static_cast<socklen_t>(sizeof address));
    ::umask(mask);
    if (bound == 0 && group && ::chown(path_.c_str(), static_cast<uid_t>(-1), *group) != 0) {
        throw_errno("cannot give " + path_.string() + " to group " + std::to_string(*group));
    }
    if (bound != 0 || ::chmod(path_.c_str(), mode) != 0 ||
        ::listen(socket_.get(), SOMAXCONN) != 0) {
        throw_errno("cannot listen on " + path_.string());
    }
}

Listener::~Listener() { close_to_new(); }

void Listener::close_to_new() {
    if (!path_.empty()) {
        ::unlink(path_.c_str());
        ::shutdown(socket_.get(), SHUT_RD);
        path_.clear();
    }
}

Descriptor Listener::accept(bool& is_out_of_room) const {
    Descriptor client(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    is_out_of_room = !client.is_open() && (errno == EMFILE || errno == ENFILE);
    return client;
}

}  // namespace drainpipe
