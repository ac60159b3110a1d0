#include "http_listener.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

#include "failure.hpp"
#include "timed_lock.hpp"

namespace drainpipe {
namespace {

// An address as the system calls take it.
struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;

    sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
    int family() const { return storage.ss_family; }
};

SocketAddress socket_address_of(const HttpAddress& address) {
    SocketAddress result;
    if (address.is_unix()) {
        auto& unix_address = reinterpret_cast<sockaddr_un&>(result.storage);
        unix_address.sun_family = AF_UNIX;
        std::strncpy(unix_address.sun_path, address.path.c_str(), sizeof unix_address.sun_path - 1);
        result.size = sizeof unix_address;
        return result;
    }
    auto& ipv4 = reinterpret_cast<sockaddr_in&>(result.storage);
    if (::inet_pton(AF_INET, address.host.c_str(), &ipv4.sin_addr) == 1) {
        ipv4.sin_family = AF_INET;
        ipv4.sin_port = htons(address.port);
        result.size = sizeof ipv4;
        return result;
    }
    auto& ipv6 = reinterpret_cast<sockaddr_in6&>(result.storage);
    ::inet_pton(AF_INET6, address.host.c_str(), &ipv6.sin6_addr);
    ipv6.sin6_family = AF_INET6;
    ipv6.sin6_port = htons(address.port);
    result.size = sizeof ipv6;
    return result;
}

std::uint16_t port_of(int socket) {
    SocketAddress bound;
    ::getsockname(socket, bound.get(), &bound.size);
    return ntohs(bound.family() == AF_INET6
                     ? reinterpret_cast<const sockaddr_in6&>(bound.storage).sin6_port
                     : reinterpret_cast<const sockaddr_in&>(bound.storage).sin_port);
}

// Closed, with errno, where there can be none.
Descriptor stream_socket(int family) {
    return Descriptor(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

bool is_served(const HttpAddress& address) {
    SocketAddress target = socket_address_of(address);
    const Descriptor client = stream_socket(AF_UNIX);
    return client.is_open() &&
           (::connect(client.get(), target.get(), target.size) == 0 || errno == EAGAIN);
}

std::string hint_of(const HttpAddress& address, int error) {
    switch (error) {
        case EADDRINUSE:
            return address.is_unix()
                       ? "; another process serves it: give --http another path"
                       : "; another process has that port: give --http another one, or 0 for one "
                         "that is free";
        case EADDRNOTAVAIL:
            return "; this host has no such address: 0.0.0.0 stands for all that it has";
        case EAFNOSUPPORT:
            return "; this host has no addresses of that kind";
        case EACCES:
        case EPERM:
            return address.is_unix() ? "; it takes the right to make files in that directory"
                                     : "; ports below 1024 are root's: give --http a higher one";
        case ENOENT:
            return "; the directory has to be there";
        case ENOTSOCK:
            return "; what is there is no socket and stays: give --http another path";
        default:
            return "";
    }
}

// Two that start at once must not take each other's socket for the stale one, between the look at
// it and the end of the making: they lock its directory meanwhile. Nobody is waited for for long,
// since others may hold that lock too.
class LockedDirectory {
  public:
    explicit LockedDirectory(const std::filesystem::path& file)
        : directory_(::open(file.has_parent_path() ? file.parent_path().c_str() : ".",
                            O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
        (void)TimedLock().take([this] {
            return ::flock(directory_.get(), LOCK_EX | LOCK_NB) == 0 ? TimedLock::Found::free
                   : errno == EWOULDBLOCK                            ? TimedLock::Found::held
                                                                     : TimedLock::Found::impossible;
        });
    }

  private:
    Descriptor directory_;
};

}  // namespace

HttpListener::HttpListener(const HttpAddress& address) : address_(address), maker_(::getpid()) {
    if (address_.is_unix()) {
        listen_on_path();
    } else {
        listen_on_port();
    }
}

HttpListener::~HttpListener() {
    if (inode_ != 0 && ::getpid() == maker_ && is_current()) {
        ::unlink(address_.path.c_str());
    }
}

bool HttpListener::is_current() const {
    struct stat info {};
    return inode_ == 0 || (::lstat(address_.path.c_str(), &info) == 0 && info.st_ino == inode_ &&
                           info.st_dev == device_);
}

void HttpListener::renew() {
    HttpListener renewed(address_);
    if (::dup3(renewed.fd(), socket_.get(), O_CLOEXEC) < 0) {
        fail(errno);
    }
    device_ = renewed.device_;
    inode_ = std::exchange(renewed.inode_, 0);  // it is for this one to take away
}

void HttpListener::listen_on_port() {
    SocketAddress wanted = socket_address_of(address_);
    socket_ = stream_socket(wanted.family());
    const int on = 1;  // connections of an earlier run that linger don't keep the port
    if (!socket_.is_open() ||
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        ::bind(socket_.get(), wanted.get(), wanted.size) != 0 ||
        ::listen(socket_.get(), SOMAXCONN) != 0) {
        fail(errno);
    }
    address_.port = port_of(socket_.get());
}

void HttpListener::listen_on_path() {
    const LockedDirectory locked(address_.path);
    remove_stale_socket();
    SocketAddress wanted = socket_address_of(address_);
    socket_ = stream_socket(AF_UNIX);
    if (!socket_.is_open()) {
        fail(errno);
    }
    const mode_t mask = ::umask(0177);
    const int bound = ::bind(socket_.get(), wanted.get(), wanted.size);
    const int error = errno;
    ::umask(mask);
    if (bound != 0) {
        fail(error);
    }
    struct stat info {};
    if (::listen(socket_.get(), SOMAXCONN) != 0 || ::lstat(address_.path.c_str(), &info) != 0) {
        const int reason = errno;
        ::unlink(address_.path.c_str());
        fail(reason);
    }
    device_ = info.st_dev;
    inode_ = info.st_ino;
}

void HttpListener::remove_stale_socket() const {
    struct stat info {};
    if (::lstat(address_.path.c_str(), &info) != 0) {
        return;
    }
    if (!S_ISSOCK(info.st_mode)) {
        fail(ENOTSOCK);
    }
    if (info.st_uid != ::geteuid()) {
        fail(EPERM);
    }
    if (is_served(address_)) {
        fail(EADDRINUSE);
    }
    ::unlink(address_.path.c_str());
}

void HttpListener::fail(int error) const {
    throw Failure(exit_code_of_creation(error), "cannot serve HTTP on " + address_.describe() +
                                                    ": " + std::generic_category().message(error) +
                                                    hint_of(address_, error));
}

}  // namespace drainpipe
