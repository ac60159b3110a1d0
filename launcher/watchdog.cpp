#include "watchdog.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "failure.hpp"
#include "poll.hpp"
#include "terminal_line.hpp"

namespace drainpipe {
namespace {

Descriptor pending_requests() {
    sigset_t requests;
    sigemptyset(&requests);
    for (const int signal : {SIGTERM, SIGINT, SIGQUIT}) {
        sigaddset(&requests, signal);
    }
    Descriptor descriptor(::signalfd(-1, &requests, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!descriptor.is_open()) {
        throw_errno("cannot make a signal descriptor");
    }
    return descriptor;
}

bool is_readable(int fd, int milliseconds) {
    pollfd readable{fd, POLLIN, 0};
    return ::poll(&readable, 1, milliseconds) > 0;
}

[[noreturn]] void give_up() {
    write_error_line(
        "launcher: held up beyond the deadline, perhaps by a log that takes nothing: "
        "giving up; what is left stays in the segment\n");
    ::_exit(static_cast<int>(ExitCode::deadline));
}

}  // namespace

Watchdog::Watchdog(std::chrono::microseconds grace)
    : grace_(grace),
      requests_(pending_requests()),
      wake_(make_event_descriptor()),
      thread_([this] { watch(); }) {}

Watchdog::~Watchdog() {
    is_over_ = true;
    wake();
    thread_.join();
}

void Watchdog::arm(Clock::time_point deadline) {
    deadline_ = std::chrono::nanoseconds(deadline.time_since_epoch()).count();
    wake();
}

void Watchdog::wake() const { ::eventfd_write(wake_.get(), 1); }

void Watchdog::watch() {
    await_request();
    // Beyond the deadline it counts looks, not time: a launcher that was frozen has yet to go on.
    for (std::int64_t looks = 0; !is_over_;) {
        eventfd_t taken = 0;
        ::eventfd_read(wake_.get(), &taken);
        const Clock::time_point deadline{std::chrono::nanoseconds(deadline_)};
        if (Clock::now() < deadline) {
            is_readable(wake_.get(), milliseconds_until(deadline));
            continue;
        }
        if (looks * kPollInterval > kBeyondDeadline) {
            give_up();
        }
        ++looks;
        is_readable(wake_.get(), static_cast<int>(kPollInterval.count()));
    }
}

void Watchdog::await_request() const {
    for (std::int64_t looks = 0; !is_over_ && deadline_ == 0;) {
        std::array<pollfd, 2> waits{{{requests_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}}};
        ::poll(waits.data(), waits.size(), -1);
        looks = is_readable(requests_.get(), 0) ? looks + 1 : 0;
        if (looks * kPollInterval > grace_ + kBeyondDeadline) {
            give_up();
        }
        if (looks > 0) {
            is_readable(wake_.get(), static_cast<int>(kPollInterval.count()));
        }
    }
}

}  // namespace drainpipe
