#include "command_run.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
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
namespace {

constexpr std::chrono::seconds kFromTermToKill{1};
constexpr std::size_t kReadBytes = 64 * 1024;
constexpr std::size_t kMostInPipe = 16;  // times kReadBytes: what a pipe may be enlarged to

void make_nonblocking(const Descriptor& descriptor) {
    ::fcntl(descriptor.get(), F_SETFL, O_NONBLOCK);
}

}  // namespace

void CommandRun::start(const ShellCommand& command, std::vector<Event> events, std::string input,
                       const std::string* argument, const std::vector<std::string>& environment,
                       std::uint64_t serial, Clock::duration timeout) {
    Pipe input_pipe = make_pipe();
    Pipe output_pipe = make_pipe();
    Pipe errors_pipe = make_pipe();
    const Clock::time_point now = Clock::now();
    SpawnedProcess process = spawn(command, argument, environment, input_pipe.read_end.get(),
                                   output_pipe.write_end.get(), errors_pipe.write_end.get());
    pid_ = process.pid;
    serial_ = serial;
    death_fd_ = std::move(process.pidfd);
    input_fd_ = std::move(input_pipe.write_end);
    output_fd_ = std::move(output_pipe.read_end);
    errors_fd_ = std::move(errors_pipe.read_end);
    events_ = std::move(events);
    label_ = "consumer[" + std::to_string(events_.front().id) + "]";
    input_ = std::move(input);
    fed_ = 0;
    for (const Descriptor* pipe : {&input_fd_, &output_fd_, &errors_fd_}) {
        make_nonblocking(*pipe);
    }
    started_at_ = now;
    timeout_ = timeout;
    end_at_ = timeout.count() > 0 ? std::optional(now + timeout) : std::nullopt;
    try {
        watch(death_fd_, Channel::death, EPOLLIN);
        watch(output_fd_, Channel::output, EPOLLIN);
        watch(errors_fd_, Channel::errors, EPOLLIN);
        feed();
        if (input_fd_.is_open()) {
            watch(input_fd_, Channel::input, EPOLLOUT);
        }
    } catch (...) {
        abandon();
        throw;
    }
}

void CommandRun::abandon() {
    signal_group(pid_, SIGKILL);
    ::waitpid(std::exchange(pid_, 0), nullptr, 0);
    for (Descriptor* descriptor : {&death_fd_, &input_fd_, &output_fd_, &errors_fd_}) {
        unwatch(*descriptor);
    }
    clear();
}

void CommandRun::watch(const Descriptor& descriptor, Channel channel, std::uint32_t what) const {
    epoll_event event{};
    event.events = what;
    event.data.u64 = place_ * 4 + static_cast<std::uint64_t>(channel);
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor.get(), &event) != 0) {
        throw_errno("cannot watch a descriptor");
    }
}

// It leaves the set before it is closed: another process that is just being made may have it, and
// would keep it there for ever.
void CommandRun::unwatch(Descriptor& descriptor) const {
    if (descriptor.is_open()) {
        ::epoll_ctl(epoll_, EPOLL_CTL_DEL, descriptor.get(), nullptr);
        descriptor.reset();
    }
}

// A command that reads none of it, or not all, is no failure.
void CommandRun::feed() {
    while (fed_ < input_.size()) {
        const ssize_t count = ::write(input_fd_.get(), input_.data() + fed_, input_.size() - fed_);
        if (count < 0 && errno == EAGAIN) {
            return;
        }
        if (count < 0 && errno != EINTR) {
            break;
        }
        fed_ += count > 0 ? static_cast<std::size_t>(count) : 0;
    }
    unwatch(input_fd_);
    input_ = {};
    fed_ = 0;
}

bool CommandRun::read_output() {
    std::array<char, kReadBytes> bytes;
    const ssize_t count = ::read(output_fd_.get(), bytes.data(), bytes.size());
    if (count <= 0) {
        if (count == 0 || errno != EAGAIN) {
            unwatch(output_fd_);
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
    signal_group(pid_, SIGKILL);
}

bool CommandRun::read_errors() {
    std::array<char, kReadBytes> bytes;
    const ssize_t count = ::read(errors_fd_.get(), bytes.data(), bytes.size());
    if (count <= 0) {
        if (count == 0 || errno != EAGAIN) {
            unwatch(errors_fd_);
        }
        return false;
    }
    errors_.add({bytes.data(), static_cast<std::size_t>(count)}, label_);
    return true;
}

std::optional<CommandRun::Ended> CommandRun::advance(Channel channel) {
    switch (channel) {
        case Channel::input:
            if (input_fd_.is_open()) {
                feed();
            }
            return std::nullopt;
        case Channel::output:
            if (output_fd_.is_open()) {
                read_output();
            }
            return std::nullopt;
        case Channel::errors:
            if (errors_fd_.is_open()) {
                read_errors();
            }
            return std::nullopt;
        case Channel::death:
            break;
    }
    return death_fd_.is_open() ? std::optional(reap()) : std::nullopt;
}

// Another process may hold its output open, and write: what the pipe holds now is all that counts.
CommandRun::Ended CommandRun::reap() {
    signal_group(pid_, SIGKILL);  // while its number is taken
    int status = 0;
    ::waitpid(pid_, &status, 0);
    for (std::size_t reads = 0; reads < kMostInPipe && output_fd_.is_open() && read_output();
         ++reads) {
    }
    for (std::size_t reads = 0; reads < kMostInPipe && errors_fd_.is_open() && read_errors();
         ++reads) {
    }
    errors_.end(label_);
    for (Descriptor* descriptor : {&death_fd_, &input_fd_, &output_fd_, &errors_fd_}) {
        unwatch(*descriptor);
    }
    pid_ = 0;
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
    signal_group(pid_, is_late_ ? SIGKILL : SIGTERM);
    end_at_ = is_late_ ? std::nullopt : std::optional(now + kFromTermToKill);
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
