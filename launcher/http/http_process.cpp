#include "http_process.hpp"

#include <poll.h>

#include <system_error>
#include <utility>

namespace drainpipe {
namespace {

constexpr int kKillTimeout = 1000;  // ms

Child::Program with_input(Child::Program program, int input) {
    program.input = input;
    return program;
}

}  // namespace

HttpProcess::HttpProcess(const HttpAddress& address, Child::Program program)
    : listener_(address), child_(with_input(std::move(program), listener_.fd())) {}

HttpProcess::~HttpProcess() {
    child_.kill();
    pollfd death{child_.death_fd(), POLLIN, 0};
    if (child_.is_running() && ::poll(&death, 1, kKillTimeout) > 0) {
        child_.reap();
    }
}

void HttpProcess::renew() {
    listener_.renew();
    child_.kill();
}

std::optional<HttpProcess::Clock::time_point> HttpProcess::start_at() const {
    return child_.is_running() ? std::nullopt : std::optional(start_at_);
}

std::optional<std::string> HttpProcess::look_after() {
    if (child_.is_running()) {
        const auto ending = child_.reap();
        if (!ending) {
            return std::nullopt;
        }
        start_at_ = Clock::now() + kPause;
        return child_.exec_failure().empty()
                   ? "child exited role=" + child_.role() + " pid=" + std::to_string(ending->pid) +
                         " " + ending->describe()
                   : child_.exec_failure();
    }
    if (Clock::now() < start_at_) {
        return std::nullopt;
    }
    try {
        child_.start();
        return std::nullopt;
    } catch (const std::system_error& error) {
        start_at_ = Clock::now() + kPause;
        return error.what();
    }
}

}  // namespace drainpipe
