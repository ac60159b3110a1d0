#include "supervisor.hpp"

#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <utility>

#include "failure.hpp"
#include "quantity.hpp"
#include "scale.hpp"
#include "signals.hpp"
#include "time_left.hpp"

namespace drainpipe {
namespace {

// The kernel's letter for the state of a process, with a word for what keeps one alive; "?" where
// there is none of that pid.
std::string process_state(pid_t pid) {
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string text;
    std::getline(stat, text);
    const auto name_end = text.rfind(") ");
    if (name_end == std::string::npos) {
        return "?";
    }
    switch (const char state = text[name_end + 2]) {
        case 'D':
            return "D(disk-sleep)";
        case 'Z':
            return "Z(held-by-a-debugger)";
        case 't':
            return "t(traced)";
        default:
            return {state};
    }
}

double in_seconds(std::chrono::steady_clock::duration duration) {
    return std::chrono::duration<double>(duration).count();
}

}  // namespace

Supervisor::Supervisor(std::vector<Child::Program> programs, Descriptor signals, NameClaim& name,
                       Segment& segment, SegmentWatch& watch, Log& log, Console& console)
    : signals_(std::move(signals)),
      name_(name),
      segment_(segment),
      watch_(watch),
      log_(log),
      console_(console) {
    kept_.emplace_back(std::move(programs.front()), Place::producer);
    for (unsigned number = 0; number + 1 < programs.size(); ++number) {
        kept_.emplace_back(std::move(programs[number + 1]), consumer_place(number));
    }
}

void Supervisor::keep(Kept& kept) {
    kept.is_wanted = true;
    start(kept);
}

void Supervisor::let_go(Kept& kept) {
    kept.is_wanted = false;
    kept.start_at.reset();
}

void Supervisor::ask_to_leave(Kept& kept) {
    kept.is_to_leave = true;
    if (kept.is_ready()) {
        send_off(kept);
    }
}

void Supervisor::send_off(Kept& kept) {
    kept.was_asked = true;
    kept.leave_by =
        Clock::now() + std::chrono::microseconds(segment_.header().settings.grace_microseconds);
    kept.signal(SIGTERM);
}

void Supervisor::resume(Kept& kept) { kept.signal(SIGCONT); }

void Supervisor::start(Kept& kept) {
    if (!may_start(kept)) {
        kept.start_at = Clock::now();
        return;
    }
    kept.start_at.reset();
    name_.places().leave(kept.place);  // held for it since the lock was made again
    try {
        kept.child.start();
    } catch (const std::system_error& error) {
        const ExitCode code = exit_code_of_errno(error.code().value());
        if (kept.was_ready) {
            start_later(kept, error.what(), code);
        } else {
            fail(kept, error.what(), code);
        }
    }
}

// What the system can't give now it may in a moment.
void Supervisor::start_later(Kept& kept, const std::string& reason, ExitCode code) {
    kept.start_at = kept.policy.died(Clock::now());
    if (!kept.start_at) {
        fail(kept, reason, code);
    }
}

void Supervisor::heed_ready(Kept& kept) {
    if (!kept.child.read_ready()) {
        return;
    }
    kept.was_ready = kept.was_ready || kept.child.is_ready();
    if (kept.is_to_leave) {
        ask_to_leave(kept);
    }
    if (std::exchange(kept.is_to_reopen_log, false) && kept.is_ready()) {
        kept.signal(SIGHUP);
    }
}

void Supervisor::kill(std::span<Kept> stages) {
    for (const Kept& kept : stages) {
        kill_now(kept);
    }
    const Clock::time_point until = Clock::now() + kKillTimeout;
    for (Kept& kept : stages) {
        while (kept.is_running() && Clock::now() < until) {
            pollfd death{kept.death_fd(), POLLIN, 0};
            ::poll(&death, 1, milliseconds_until(until));
            look_after(kept);
        }
        if (kept.is_running()) {
            leave_behind(kept);
        }
    }
}

void Supervisor::kill_now(const Kept& kept) {
    kept.child.kill();
    if (kept.outsider.is_running()) {
        kept.signal(SIGKILL);
    }
}

void Supervisor::leave_behind(const Kept& kept) {
    const std::string fact = "left behind role=" + kept.child.role() +
                             " pid=" + std::to_string(kept.pid()) +
                             " state=" + process_state(kept.pid()) + ": SIGKILL does not end it";
    log_.error("{}", fact);
    console_.warn(fact);
    has_left_behind_ = true;
}

void Supervisor::wait(Clock::time_point until) {
    // poll() counts what it is to ignore against the limit of descriptors: it gets none of that.
    std::vector<pollfd> waits{{signals_.get(), POLLIN, 0}};
    const auto add = [&waits](int fd) {
        if (fd >= 0) {
            waits.push_back({fd, POLLIN, 0});
        }
    };
    add(watch_.fd());
    for (const Kept& kept : kept_) {
        add(kept.death_fd());
        add(kept.child.ready_fd());
    }
    ::poll(waits.data(), waits.size(), milliseconds_until(next_time(until)));
    look_at_segment();
    for (Kept& kept : kept_) {
        heed_ready(kept);
        look_after(kept);
    }
    reap_inherited();
    look_at_files();
    take_signals();
    if (fewer_) {
        scale(*std::exchange(fewer_, std::nullopt));
    }
}

void Supervisor::end_if_it_hangs(Kept& kept) {
    if (!kept.leave_by || Clock::now() < *kept.leave_by || stop_request_) {
        return;
    }
    kept.leave_by.reset();
    log_.warn("{} pid={} did not leave: killing it", kept.child.role(), kept.pid());
    kill_now(kept);
}

void Supervisor::look_after(Kept& kept) {
    if (kept.is_running()) {
        end_if_it_hangs(kept);
    }
    if (kept.child.is_running()) {
        if (const std::optional<Ending> ending = kept.child.reap()) {
            bury(kept, *ending);
        } else if (kept.is_wanted && !kept.child.is_ready() && !kept.has_failed &&
                   Clock::now() >= kept.child.started_at() + kReadyLimit) {
            fail(kept, "did not report ready within " + to_text(kReadyLimit), ExitCode::software);
        }
    } else if (kept.outsider.is_running()) {
        pollfd death{kept.death_fd(), POLLIN, 0};
        if (::poll(&death, 1, 0) > 0) {
            kept.leave_by.reset();
            log_.info("outsider gone role={} pid={}", kept.child.role(), kept.outsider.pid);
            kept.outsider = {};
            kept.is_on_former_lock = false;
            if (kept.is_wanted) {
                kept.start_at = Clock::now();
            }
        }
    } else if (kept.start_at && Clock::now() >= *kept.start_at && may_start(kept)) {
        start(kept);
        if (kept.child.is_running()) {
            console_.warn(kept.child.role() + " is started again, pid " +
                          std::to_string(kept.child.pid()));
        }
    }
}

void Supervisor::bury(Kept& kept, const Ending& ending) {
    const Clock::time_point now = Clock::now();
    const std::string& role = kept.child.role();
    log_.info("child exited role={} pid={} {} uptime={:.3f}s", role, ending.pid, ending.in_words(),
              in_seconds(now - kept.child.started_at()));
    // Whoever slept until the dead one rings would sleep in vain.
    segment_.header().events_bell.ring_always();
    segment_.header().room_bell.ring_always();
    kept.leave_by.reset();
    kept.is_on_former_lock = false;
    const bool is_no_death = std::exchange(kept.was_asked, false) || kept.is_to_leave;
    const bool has_left = is_no_death && ending.is(ExitCode::done);
    kept.is_wanted = kept.is_wanted && !(has_left && kept.is_to_leave);
    if (!kept.is_wanted || kept.has_failed) {
        return;
    }
    if (has_left) {
        kept.start_at = now;  // it is wanted again by now
        return;
    }
    if (!kept.child.exec_failure().empty()) {
        fail(kept, kept.child.exec_failure(), ExitCode::unavailable);
        return;
    }
    if (!kept.was_ready && ending.is(ExitCode::system)) {
        fail(kept, "was refused what it needs by the system", ExitCode::system);
        return;
    }
    if (ending.is(ExitCode::io) && kept.place >= Place::consumer) {
        fail(kept, "can't write its output", ExitCode::io);
        return;
    }
    if (ending.is(ExitCode::taken) && give_way(kept)) {
        return;
    }
    kept.start_at = kept.policy.died(now);
    if (!kept.start_at) {
        fail(kept,
             "died more than " + std::to_string(RestartPolicy::kMostDeaths) + " times in " +
                 to_text(RestartPolicy::kWindow),
             ExitCode::software);
    }
}

bool Supervisor::give_way(Kept& kept) {
    const std::optional<pid_t> pid = name_.places().holder(kept.place);
    if (!pid) {
        return false;
    }
    Descriptor process(static_cast<int>(::syscall(SYS_pidfd_open, *pid, 0)));
    if (!process.is_open() || name_.places().holder(kept.place) != pid) {
        return false;
    }
    log_.info("outsider took the place role={} pid={}", kept.child.role(), *pid);
    kept.outsider = {*pid, std::move(process)};
    return true;
}

void Supervisor::fail(Kept& kept, const std::string& reason, ExitCode code) {
    if (can_do_without(kept)) {
        do_without(kept, reason);
        return;
    }
    kept.has_failed = true;
    failure_ = failure_.value_or(code);
    log_.error("{} {}: stopping", kept.child.role(), reason);
    console_.warn(kept.child.role() + " " + reason + ": stopping");
    if (!stop_request_) {
        stop_request_ = {"failure", Clock::now()};
    }
}

void Supervisor::look_at_segment() {
    const SegmentWatch::Fate fate = watch_.look();
    if (fate == SegmentWatch::Fate::cut) {
        abandon();
        const std::string loss = "the segment was cut short while in use: its events are lost";
        log_.error("{}", loss);
        throw Failure(ExitCode::io, loss);
    }
    if (has_lost_segment_ || fate == SegmentWatch::Fate::whole) {
        return;
    }
    has_lost_segment_ = true;
    const std::string loss = "the segment was removed while in use: draining what it holds";
    log_.error("{}", loss);
    console_.warn(loss);
    if (!stop_request_) {
        stop_request_ = {"segment-removed", Clock::now()};
    }
}

void Supervisor::look_at_files() {
    const Clock::time_point now = Clock::now();
    if (stop_request_ || now < next_look_) {
        return;
    }
    next_look_ = now + kBetweenLooks;
    if (!name_.is_current()) {
        renew_lock();
    } else if (producer().is_ready() && !producer().was_asked && !name_.has_socket()) {
        const std::string fact = "the socket was removed while in use: the producer makes it again";
        log_.warn("{}", fact);
        console_.warn(fact);
        start_anew(producer());
    }
}

void Supervisor::renew_lock() {
    if (!name_.renew()) {
        const std::string loss =
            "the lock was removed while in use and can't be made again: stopping";
        log_.error("{}", loss);
        console_.warn(loss);
        failure_ = failure_.value_or(ExitCode::io);
        stop_request_ = {"lock-removed", Clock::now()};
        return;
    }
    const std::string fact =
        "the lock was removed while in use: it is made again, and the stages are started anew";
    log_.warn("{}", fact);
    console_.warn(fact);
    for (Kept& kept : kept_) {
        if (kept.is_running()) {
            kept.is_on_former_lock = true;
            start_anew(kept);
        } else if (!kept.start_at) {
            name_.places().leave(kept.place);
        }
    }
}

void Supervisor::start_anew(Kept& kept) {
    if (!kept.is_ready()) {
        kept.child.kill();
    } else {
        send_off(kept);
    }
}

bool Supervisor::may_start(const Kept& kept) const {
    return kept.place == Place::producer || std::ranges::none_of(kept_, [](const Kept& other) {
               return other.place != Place::producer && other.is_on_former_lock;
           });
}

// Nothing of this touches the segment.
void Supervisor::abandon() {
    std::ranges::for_each(kept_, kill_now);
    const Clock::time_point until = Clock::now() + kKillTimeout;
    for (Kept& kept : kept_) {
        while (kept.child.is_running() && !kept.child.reap() && Clock::now() < until) {
            pollfd death{kept.death_fd(), POLLIN, 0};
            ::poll(&death, 1, milliseconds_until(until));
        }
    }
}

// As process 1, or with children that it was started with: they would stay zombies for ever.
void Supervisor::reap_inherited() const {
    const auto is_ours = [this](pid_t pid) {
        return std::ranges::any_of(kept_,
                                   [pid](const Kept& kept) { return kept.child.pid() == pid; });
    };
    siginfo_t info{};
    while (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid > 0 &&
           !is_ours(info.si_pid)) {
        ::waitpid(info.si_pid, nullptr, 0);
        info = {};
    }
}

void Supervisor::take_signals() {
    int value = 0;
    while (const int signal = take_signal(signals_, value)) {
        heed(signal, value);
    }
}

void Supervisor::reopen_logs() {
    if (!log_.sink().reopen()) {
        console_.warn("the log can't be opened again, its old file is still written");
    }
    for (Kept& kept : kept_) {
        kept.is_to_reopen_log = !kept.is_ready();
        if (kept.is_ready()) {
            kept.signal(SIGHUP);
        }
    }
}

void Supervisor::heed(int signal, int value) {
    if (signal == SIGCHLD) {
        return;  // it has woken wait(), and who died was looked after
    }
    if (signal == SIGHUP) {
        reopen_logs();
        return;
    }
    if (signal == scale_signal()) {
        if (!stop_request_ && value >= 1 && value <= static_cast<int>(kMostConsumers)) {
            scale(static_cast<unsigned>(value));
        }
        return;
    }
    const Clock::time_point now = Clock::now();
    if (signal == SIGINT) {
        first_interrupt_ = first_interrupt_.value_or(now);
        is_forced_ = is_forced_ || now >= *first_interrupt_ + kOneInterrupt;
    }
    is_forced_ = is_forced_ || signal == SIGQUIT;
    if (!stop_request_) {
        stop_request_ = {signal_name(signal), now};
    }
}

Supervisor::Clock::time_point Supervisor::next_time(Clock::time_point until) const {
    if (!stop_request_) {
        until = std::min(until, next_look_);
    }
    if (watch_.fd() < 0) {
        until = std::min(until, Clock::now() + SegmentWatch::kBetweenLooks);
    }
    for (const Kept& kept : kept_) {
        if (kept.start_at && may_start(kept)) {
            until = std::min(until, *kept.start_at);
        }
        if (kept.leave_by && !stop_request_) {
            until = std::min(until, *kept.leave_by);
        }
        if (kept.is_wanted && kept.child.is_running() && !kept.child.is_ready() &&
            !kept.has_failed) {
            until = std::min(until, kept.child.started_at() + kReadyLimit);
        }
    }
    return until;
}

}  // namespace drainpipe
