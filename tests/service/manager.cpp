#include "manager.hpp"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <system_error>
#include <utility>

#include "system/harness/await.hpp"
#include "system/harness/files.hpp"

namespace service {
namespace {

struct Name {
    sockaddr_un address{};
    socklen_t size = 0;

    explicit Name(const std::string& name) {
        address.sun_family = AF_UNIX;
        name.copy(address.sun_path, sizeof address.sun_path - 1);
        size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
        if (name.starts_with('@')) {
            address.sun_path[0] = '\0';
        } else {
            ++size;
        }
    }
    [[nodiscard]] const sockaddr* get() const {
        return reinterpret_cast<const sockaddr*>(&address);
    }
};

int bound_socket(const std::string& name, int type) {
    const int fd = ::socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    const Name to(name);
    if (fd < 0 || ::bind(fd, to.get(), to.size) != 0) {
        throw std::system_error(errno, std::generic_category(), "bind " + name);
    }
    return fd;
}

}  // namespace

NotifyReceiver::NotifyReceiver(const std::string& name)
    : name_(name), fd_(bound_socket(name, SOCK_DGRAM | SOCK_NONBLOCK)) {}

NotifyReceiver::~NotifyReceiver() { leave(); }

void NotifyReceiver::leave() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

const std::vector<std::string>& NotifyReceiver::messages() {
    char bytes[4096];
    for (ssize_t size = 0; (size = ::recv(fd_, bytes, sizeof bytes, 0)) >= 0;) {
        messages_.emplace_back(bytes, static_cast<std::size_t>(size));
    }
    return messages_;
}

std::string NotifyReceiver::await_message(std::string_view words, std::chrono::milliseconds limit) {
    std::string found;
    const auto has_come = [&] {
        const auto& all = messages();
        while (asked_for_ < all.size()) {
            if (const auto& message = all[asked_for_++]; message.find(words) != std::string::npos) {
                found = message;
                return true;
            }
        }
        return false;
    };
    (void)harness::await(has_come, limit);
    return found;
}

std::size_t NotifyReceiver::count(std::string_view words) {
    std::size_t found = 0;
    for (const auto& message : messages()) found += message.find(words) != std::string::npos;
    return found;
}

void NotifyReceiver::fill() {
    const Name to(name_);
    while (::sendto(fd_, "FULL=1", 6, MSG_DONTWAIT, to.get(), to.size) >= 0) {
    }
    REQUIRE(errno == EAGAIN);
}

std::string value_in(std::string_view message, std::string_view name) {
    const std::string start = std::string(name) + "=";
    for (const auto line : harness::lines_of(message)) {
        if (line.starts_with(start)) return std::string(line.substr(start.size()));
    }
    return {};
}

PassedSocket::PassedSocket(const std::string& name, int type, bool is_listening, int backlog)
    : fd_(bound_socket(name, type)) {
    if (is_listening) REQUIRE(::listen(fd_, backlog) == 0);
}

PassedSocket::~PassedSocket() { ::close(fd_); }

bool PassedSocket::await_client(std::chrono::milliseconds limit) const {
    pollfd waits{fd_, POLLIN, 0};
    return ::poll(&waits, 1, static_cast<int>(limit.count())) > 0;
}

harness::Command given_socket(harness::Command launcher, int fd, std::string_view sockets) {
    launcher.passed = fd;
    return harness::after("export LISTEN_PID=$$ LISTEN_FDNAMES=intake LISTEN_FDS=" +
                              std::string(sockets) + "; exec \"$@\"",
                          std::move(launcher));
}

harness::Command told_to_notify(harness::Command launcher, const std::string& name) {
    launcher.environment["NOTIFY_SOCKET"] = name;
    return launcher;
}

}  // namespace service
