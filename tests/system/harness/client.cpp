#include "client.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "files.hpp"

namespace harness {
namespace {

[[noreturn]] void fail(const char* action) {
    throw std::system_error(errno, std::generic_category(), action);
}

}  // namespace

void send_datagram(const std::filesystem::path& path, const std::string& text) {
    const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.string().copy(address.sun_path, sizeof address.sun_path - 1);
    const ssize_t sent = ::sendto(fd, text.data(), text.size(), MSG_NOSIGNAL,
                                  reinterpret_cast<const sockaddr*>(&address),
                                  static_cast<socklen_t>(sizeof address));
    ::close(fd);
    if (sent < 0) fail("send a datagram");
}

SocketClient::SocketClient(const std::filesystem::path& socket)
    : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (fd_ < 0) fail("make a socket");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket.string().copy(address.sun_path, sizeof address.sun_path - 1);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        const int error = errno;
        ::close(fd_);
        errno = error;
        fail("connect");
    }
}

SocketClient::~SocketClient() { ::close(fd_); }

void SocketClient::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0) fail("send");
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
}

std::size_t SocketClient::send_some(std::string_view bytes) {
    const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN) fail("send");
    return sent < 0 ? 0 : static_cast<std::size_t>(sent);
}

void SocketClient::finish_sending() { ::shutdown(fd_, SHUT_WR); }

std::vector<std::string> SocketClient::answers(std::chrono::milliseconds limit) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (true) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
            deadline - std::chrono::steady_clock::now());
        if (left.count() <= 0 || !read_some(left)) return lines();
    }
}

bool SocketClient::await_answer(std::string_view words, std::chrono::milliseconds limit) {
    const auto has_come = [&] {
        read_some(std::chrono::milliseconds{0});
        const auto all = lines();
        return !all.empty() && all.back().starts_with(words);
    };
    return await(has_come, limit);
}

// False once the other side has closed or broken the connection.
bool SocketClient::read_some(std::chrono::milliseconds limit) {
    pollfd poll_fd{fd_, POLLIN, 0};
    if (::poll(&poll_fd, 1, static_cast<int>(limit.count())) <= 0) return true;
    char buffer[4096];
    const auto size = ::recv(fd_, buffer, sizeof buffer, 0);
    if (size <= 0) return false;
    received_.append(buffer, static_cast<std::size_t>(size));
    return true;
}

std::vector<std::string> SocketClient::lines() const {
    const auto whole = received_.substr(0, received_.rfind('\n') + 1);
    const auto views = lines_of(whole);
    return {views.begin(), views.end()};
}

}  // namespace harness
