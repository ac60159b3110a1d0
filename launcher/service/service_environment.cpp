#include "service_environment.hpp"

#include <unistd.h>

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <optional>

namespace drainpipe {
namespace {

std::string take_variable(const char* name) {
    const char* const value = std::getenv(name);
    std::string text = value != nullptr ? value : "";
    ::unsetenv(name);
    return text;
}

template <typename Number>
std::optional<Number> number_of(const std::string& text) {
    Number number{};
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    return error == std::errc() && rest == end ? std::optional(number) : std::nullopt;
}

bool is_own_pid(const std::string& text) { return number_of<pid_t>(text) == ::getpid(); }

}  // namespace

ServiceEnvironment take_service_environment() {
    ServiceEnvironment environment;
    environment.notify_socket = take_variable("NOTIFY_SOCKET");

    const std::string watchdog_pid = take_variable("WATCHDOG_PID");
    const std::string watchdog = take_variable("WATCHDOG_USEC");
    if (watchdog_pid.empty() || is_own_pid(watchdog_pid)) {
        constexpr std::int64_t kMax = INT64_MAX / 1000;  // in nanoseconds it is a duration as well
        const std::int64_t interval = number_of<std::int64_t>(watchdog).value_or(0);
        environment.watchdog =
            std::chrono::microseconds(interval > 0 && interval <= kMax ? interval : 0);
    }

    const std::string listen_pid = take_variable("LISTEN_PID");
    const std::string listen_fds = take_variable("LISTEN_FDS");
    take_variable("LISTEN_FDNAMES");
    if (is_own_pid(listen_pid)) {
        environment.listen_fds = listen_fds;
    }
    return environment;
}

}  // namespace drainpipe
