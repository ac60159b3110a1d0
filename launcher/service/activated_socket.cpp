#include "activated_socket.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <string>
#include <string_view>

#include "failure.hpp"
#include "quantity.hpp"

namespace drainpipe {
namespace {

constexpr int kFirstPassedFd = 3;

[[noreturn]] void refuse_socket(const std::string& why) {
    throw Failure(ExitCode::usage,
                  "LISTEN_FDS: descriptor 3 " + why +
                      "; what the intake takes is one listening stream socket with a path "
                      "(ListenStream=/PATH in the socket unit)");
}

int option_of(int fd, int option) {
    int value = -1;
    socklen_t size = sizeof value;
    if (::getsockopt(fd, SOL_SOCKET, option, &value, &size) != 0) {
        refuse_socket("is not a socket");
    }
    return value;
}

std::filesystem::path path_of_socket(int fd) {
    sockaddr_un address{};
    socklen_t size = sizeof address;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    const std::size_t bytes =
        std::min<std::size_t>(size, sizeof address) - offsetof(sockaddr_un, sun_path);
    const std::string_view name(address.sun_path, bytes);
    if (!name.starts_with('/')) {
        refuse_socket("has no absolute path");
    }
    return name.substr(0, name.find('\0'));
}

}  // namespace

std::optional<ActivatedSocket> find_activated_socket(const ServiceEnvironment& environment) {
    if (environment.listen_fds.empty()) {
        return std::nullopt;
    }
    const std::uint64_t count = parse_count("LISTEN_FDS", environment.listen_fds, 0,
                                            std::numeric_limits<int>::max() - kFirstPassedFd);
    if (count == 0) {
        return std::nullopt;
    }
    if (count > 1) {
        throw Failure(ExitCode::usage,
                      "LISTEN_FDS: " + environment.listen_fds +
                          " sockets are passed, and the intake has one: name one ListenStream= in "
                          "the socket unit");
    }
    const int fd = kFirstPassedFd;
    if (option_of(fd, SO_DOMAIN) != AF_UNIX) {
        refuse_socket("is no Unix socket");
    }
    if (option_of(fd, SO_TYPE) != SOCK_STREAM) {
        refuse_socket("is no stream socket");
    }
    if (option_of(fd, SO_ACCEPTCONN) != 1) {
        refuse_socket("is not listened on");
    }
    std::filesystem::path path = path_of_socket(fd);
    if (::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 ||
        ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK) != 0) {
        throw_errno("cannot use the socket " + path.string());
    }
    return ActivatedSocket{fd, std::move(path)};
}

}  // namespace drainpipe
