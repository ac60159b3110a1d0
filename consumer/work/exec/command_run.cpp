#include "command_run.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

#include "failure.hpp"
#include "quantity.hpp"
#include "signals.hpp"

namespace drainpipe {
void CommandRun::start(const ShellCommand& command, std::vector<Event> events, std::string input,
                       const std::string* argument, const std::vector<std::string>& environment,
                       std::uint64_t serial, Clock::duration timeout) {
    const Clock::time_point now = Clock::now();
    process_.start(command, argument, environment, serial);
    events_ = std::move(events);
    label_ = "consumer[" + std::to_string(events_.front().id()) + "]";
    input_ = std::move(input);
    fed_ = 0;
    started_at_ = now;
    timeout_ = timeout;
    end_at_ = timeout.count() > 0 ? std::optional(now + timeout) : std::nullopt;
    feed();
}

// A command that reads none of it, or not all, is no failure.
void CommandRun::feed() {
    while (fed_ < input_.size()) {
        const ssize_t count = ::write(process_.input(), input_.data() + fed_, input_.size() - fed_);
        if (count < 0 && errno == EAGAIN) {
            process_.watch_input(true);
            return;
        }
        if (count < 0 && errno != EINTR) {
            break;
        }
        fed_ += count > 0 ? static_cast<std::size_t>(count) : 0;
    }
    process_.close_input();
    input_ = {};
    fed_ = 0;
}

bool CommandRun::read_output() {
    std::array<char, PipedProcess::kReadBytes> bytes;
    const ssize_t count = ::read(process_.output(), bytes.data(), bytes.size());
    if (count <= 0) {
        if (count == 0 || errno != EAGAIN) {
            process_.close_output();
        }
        return false;
    }
    if (failure_.empty()) {
        try {
            output_.add({bytes.data(), static_cast<std::size_t>(count)});
        } catch (const std::system_error& error) {
            fail_to_keep(error.what());
        }
    }
    return true;
}

void CommandRun::fail_to_keep(const std::string& why) {
    failure_ = "its output can't be kept: " + why;
    process_.signal(SIGKILL);
}

bool CommandRun::read_errors() {
    std::array<char, PipedProcess::kReadBytes> bytes;
    const ssize_t count = ::read(process_.errors(), bytes.data(), bytes.size());
    if (count <= 0) {
        if (count == 0 || errno != EAGAIN) {
            process_.close_errors();
        }
        return false;
    }
    errors_.add({bytes.data(), static_cast<std::size_t>(count)}, label_);
    return true;
}

std::optional<CommandRun::Ended> CommandRun::advance(Channel channel) {
    if (channel == Channel::input && process_.has_input()) {
        feed();
    } else if (channel == Channel::output && process_.has_output()) {
        read_output();
    } else if (channel == Channel::errors && process_.has_errors()) {
        read_errors();
    } else if (channel == Channel::death && is_running()) {
        return reap();
    }
    return std::nullopt;
}

// Another process may hold its output open, and write: what the pipe holds now is all that counts.
CommandRun::Ended CommandRun::reap() {
    const int status = process_.reap();
    for (std::size_t reads = 0;
         reads < PipedProcess::kMostReads && process_.has_output() && read_output(); ++reads) {
    }
    for (std::size_t reads = 0;
         reads < PipedProcess::kMostReads && process_.has_errors() && read_errors(); ++reads) {
    }
    errors_.end(label_);
    process_.close_all();
    Ended ended{.is_success =
                    WIFEXITED(status) && WEXITSTATUS(status) == 0 && failure_.empty() && !is_late_,
                .is_dead = WIFEXITED(status) &&
                           WEXITSTATUS(status) == static_cast<int>(ExitCode::data) && !is_late_,
                .reason = {},
                .took = Clock::now() - started_at_};
    if (!failure_.empty()) {
        ended.reason = failure_;
    } else if (is_late_) {
        ended.reason = "timeout after " +
                       to_text(std::chrono::duration_cast<std::chrono::microseconds>(timeout_));
    } else if (WIFSIGNALED(status)) {
        ended.reason = "signal " + signal_name(WTERMSIG(status));
    } else if (!ended.is_success) {
        ended.reason = "exit status " + std::to_string(WEXITSTATUS(status));
    }
    return ended;
}

std::optional<CommandRun::Clock::time_point> CommandRun::next_time() const {
    return is_running() ? end_at_ : std::nullopt;
}

void CommandRun::end_if_late(Clock::time_point now) {
    if (!is_running() || !end_at_ || now < *end_at_) {
        return;
    }
    process_.signal(is_late_ ? SIGKILL : SIGTERM);
    end_at_ = is_late_ ? std::nullopt : std::optional(now + PipedProcess::kFromTermToKill);
    is_late_ = true;
}

void CommandRun::clear() {
    events_.clear();
    output_.clear();
    errors_.clear();
    failure_.clear();
    is_late_ = false;
    end_at_.reset();
}

}  // namespace drainpipe
