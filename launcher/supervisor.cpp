#include "supervisor.hpp"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <set>
#include <thread>
#include <utility>

#include "failure.hpp"
#include "pidfd.hpp"
#include "poll.hpp"
#include "proc.hpp"
#include "quantity.hpp"
#include "service_status.hpp"
#include "signals.hpp"

namespace drainpipe {
namespace {

// Between two looks at what a consumer has left running.
constexpr std::chrono::milliseconds kBetweenSweeps{5};
// At a process that was killed.
constexpr std::chrono::duration<int, std::milli> kBetweenLooksAtKilled{5};

// The kernel's letter for the state of a process, with a word for what keeps one alive.
std::string describe_state(pid_t pid) {
    switch (const char state = process_state(pid)) {
        case 'D':
            return "D(disk-sleep)";
        case 'Z':
            return "Z(held-by-a-debugger)";
        case 't':
            return "t(traced)";
        case 'X':
            return "?";
        default:
            return {state};
    }
}

double in_seconds(std::chrono::steady_clock::duration duration) {
    return std::chrono::duration<double>(duration).count();
}

}  // namespace

Supervisor::Supervisor(std::vector<Child::Program> programs, HttpProcess* http, Descriptor signals,
                       NameClaim& name, ControlSocket& control, Segment& segment,
                       SegmentWatch& watch, ServiceManager& service, Log& log, Console& console)
    : http_(http),
      signals_(std::move(signals)),
      name_(name),
      control_(control),
      segment_(segment),
      telemetry_(segment, log),
      watch_(watch),
      service_(service),
      log_(log),
      console_(console) {
    processes_.emplace_back(std::move(programs.front()), Role::producer);
    for (unsigned number = 0; number + 1 < programs.size(); ++number) {
        processes_.emplace_back(std::move(programs[number + 1]), consumer_role(number));
    }
}

void Supervisor::enable(ManagedProcess& process) {
    process.is_wanted = true;
    start(process);
}

void Supervisor::disable(ManagedProcess& process) {
    process.is_wanted = false;
    process.start_at.reset();
}

void Supervisor::ask_to_leave(ManagedProcess& process) {
    process.is_to_leave = true;
    if (process.is_ready()) {
        send_off(process);
    }
}

void Supervisor::send_off(ManagedProcess& process) {
    process.was_asked = true;
    process.leave_by =
        Clock::now() + std::chrono::microseconds(segment_.header().settings.grace_microseconds);
    process.signal(SIGTERM);
}

void Supervisor::resume(ManagedProcess& process) { process.signal(SIGCONT); }

void Supervisor::start(ManagedProcess& process) {
    if (!may_start(process)) {
        process.start_at = Clock::now();
        return;
    }
    process.start_at.reset();
    name_.role_locks().leave(process.role);  // held for it since the lock was made again
    try {
        process.child.start();
        process.was_started = true;
    } catch (const std::system_error& error) {
        const ExitCode code = exit_code_of_errno(error.code().value());
        if (process.was_ready) {
            start_later(process, error.what(), code);
        } else {
            fail(process, error.what(), code);
        }
    }
}

// What the system can't give now it may in a moment.
void Supervisor::start_later(ManagedProcess& process, const std::string& reason, ExitCode code) {
    process.start_at = process.policy.died(Clock::now());
    if (!process.start_at) {
        fail(process, reason, code);
    }
}

void Supervisor::handle_ready(ManagedProcess& process) {
    if (!process.child.read_ready()) {
        return;
    }
    process.was_ready = process.was_ready || process.child.is_ready();
    if (process.is_to_leave) {
        ask_to_leave(process);
    }
    if (std::exchange(process.is_to_reopen_log, false) && process.is_ready()) {
        process.signal(SIGHUP);
    }
}

void Supervisor::kill(std::span<ManagedProcess> stages) {
    for (const ManagedProcess& process : stages) {
        kill_now(process);
    }
    // Counted in looks: time in which nothing ran does not count.
    auto looks = kKillTimeout / kBetweenLooksAtKilled;
    for (ManagedProcess& process : stages) {
        for (; process.is_running() && looks > 0; --looks) {
            pollfd death{process.death_fd(), POLLIN, 0};
            ::poll(&death, 1, kBetweenLooksAtKilled.count());
            supervise(process);
        }
        if (process.is_running()) {
            leave_behind(process);
        }
    }
}

void Supervisor::warn(const std::string& fact) const {
    log_.warn("{}", fact);
    console_.warn(fact);
}

void Supervisor::report_error(const std::string& fact) const {
    log_.error("{}", fact);
    console_.error(fact);
}

void Supervisor::kill_now(const ManagedProcess& process) {
    process.child.kill();
    if (process.external.is_running()) {
        process.signal(SIGKILL);
    }
}

void Supervisor::leave_behind(const ManagedProcess& process) {
    const std::string fact =
        "left behind role=" + process.child.role() + " pid=" + std::to_string(process.pid()) +
        " state=" + describe_state(process.pid()) + ": SIGKILL does not end it";
    report_error(fact);
    has_left_behind_ = true;
}

bool Supervisor::has_left_behind() const {
    return has_left_behind_ && std::ranges::any_of(processes_, &ManagedProcess::is_running);
}

void Supervisor::wait(Clock::time_point until) {
    telemetry_.show(processes_);
    // poll() counts what it is to ignore against the limit of descriptors: it gets none of that.
    std::vector<pollfd> waits{{signals_.get(), POLLIN, 0}};
    const auto add = [&waits](int fd) {
        if (fd >= 0) {
            waits.push_back({fd, POLLIN, 0});
        }
    };
    add(watch_.fd());
    add(control_.fd());
    for (const ManagedProcess& process : processes_) {
        add(process.death_fd());
        add(process.child.ready_fd());
    }
    add(http_ ? http_->death_fd() : -1);
    leave_out_frozen_time(awake_at_);
    const Clock::time_point intended = std::max(awake_at_, next_time(until));
    ::poll(waits.data(), waits.size(), milliseconds_until(intended));
    leave_out_frozen_time(intended);
    look_at_segment();
    for (ManagedProcess& process : processes_) {
        handle_ready(process);
        supervise(process);
    }
    look_after_http();
    if (may_have_adopted_) {
        may_have_adopted_ = kill_adopted();
    }
    reap_inherited();
    look_at_files();
    take_signals();
    take_commands();
    if (const auto fewer = std::exchange(reduced_target_, std::nullopt);
        fewer && *fewer < segment_.header().consumers.load()) {
        scale(*fewer);
    }
    telemetry_.tick();
    tell_service();
}

void Supervisor::leave_out_frozen_time(Clock::time_point intended) {
    awake_at_ = Clock::now();
    const Clock::duration late = awake_at_ - intended;
    if (late < kLateWakeup) {
        return;
    }
    frozen_ += late;
    for (ManagedProcess& process : processes_) {
        process.child.leave_out(late);
        process.policy.leave_out(late);
        if (process.leave_by) {
            *process.leave_by += late;
        }
    }
}

void Supervisor::end_if_it_hangs(ManagedProcess& process) {
    if (!process.leave_by || awake_at_ < *process.leave_by || stop_request_) {
        return;
    }
    process.leave_by.reset();
    log_.warn("{} pid={} did not leave: killing it", process.child.role(), process.pid());
    kill_now(process);
}

void Supervisor::supervise(ManagedProcess& process) {
    if (process.is_running()) {
        end_if_it_hangs(process);
    }
    if (process.child.is_running()) {
        if (const std::optional<Ending> ending = process.child.reap()) {
            on_exit(process, *ending);
        } else if (process.is_wanted && !process.child.is_ready() && !process.has_failed &&
                   awake_at_ >= process.child.started_at() + kReadyLimit) {
            fail_to_get_ready(process);
        }
    } else if (process.external.is_running()) {
        pollfd death{process.death_fd(), POLLIN, 0};
        if (::poll(&death, 1, 0) > 0) {
            process.leave_by.reset();
            log_.info("external process gone role={} pid={}", process.child.role(),
                      process.external.pid);
            process.external = {};
            process.is_on_former_lock = false;
            if (process.is_wanted) {
                process.start_at = Clock::now();
            }
        }
    } else if (process.start_at && Clock::now() >= *process.start_at && may_start(process)) {
        const bool is_restart = process.was_started;
        start(process);
        if (process.child.is_running()) {
            process.restarts += is_restart ? 1 : 0;
            console_.warn(process.child.role() + " is started again, pid " +
                          std::to_string(process.child.pid()));
        }
    }
}

void Supervisor::fail_to_get_ready(ManagedProcess& process) {
    const std::string reason = "did not report ready within " + to_text(kReadyLimit);
    if (!process.is_to_leave) {
        fail(process, reason, ExitCode::software);
        return;
    }
    log_.warn("{} pid={} is to leave and {}: killing it", process.child.role(), process.pid(),
              reason);
    disable(process);
    kill_now(process);
}

void Supervisor::on_exit(ManagedProcess& process, const Ending& ending) {
    const Clock::time_point now = Clock::now();
    const std::string& role = process.child.role();
    log_.info("child exited role={} pid={} {} uptime={:.3f}s", role, ending.pid, ending.describe(),
              in_seconds(now - process.child.started_at()));
    // A process that waits for a notification from the dead one would wait in vain.
    segment_.header().events_available.notify_always();
    segment_.header().room_available.notify_always();
    may_have_adopted_ = may_have_adopted_ || process.role >= Role::consumer;
    process.leave_by.reset();
    process.is_on_former_lock = false;
    const bool is_no_death = std::exchange(process.was_asked, false) || process.is_to_leave;
    const bool has_left = is_no_death && ending.is(ExitCode::done);
    process.is_wanted = process.is_wanted && !(has_left && process.is_to_leave);
    if (!process.is_wanted || process.has_failed) {
        return;
    }
    if (has_left) {
        process.start_at = now;  // it is wanted again by now
        return;
    }
    if (!process.child.exec_failure().empty()) {
        fail(process, process.child.exec_failure(), ExitCode::unavailable);
        return;
    }
    if (!process.was_ready && ending.is(ExitCode::system)) {
        fail(process, "was refused what it needs by the system", ExitCode::system);
        return;
    }
    if (ending.is(ExitCode::io) && process.role >= Role::consumer) {
        fail(process, "can't write its output", ExitCode::io);
        return;
    }
    if (process.role == Role::producer && has_lines() &&
        (ending.is(ExitCode::io) || ending.is(ExitCode::cannot_create) ||
         ending.is(ExitCode::no_permission))) {
        fail(process, "can't take in what it was given with --from",
             static_cast<ExitCode>(ending.number));
        return;
    }
    if (const std::string endpoint = refused_endpoint(process, ending); !endpoint.empty()) {
        fail(process, "can't use its " + endpoint, static_cast<ExitCode>(ending.number));
        return;
    }
    if (ending.is(ExitCode::taken) && give_way(process)) {
        return;
    }
    process.start_at = process.policy.died(now);
    if (!process.start_at) {
        fail(process,
             "died more than " + std::to_string(RestartPolicy::kMaxDeaths) + " times in " +
                 to_text(RestartPolicy::kWindow),
             ExitCode::software);
    }
}

bool Supervisor::has_lines() const {
    const SourceKind source = segment_.header().settings.source;
    return source == SourceKind::file || source == SourceKind::standard_input;
}

std::string Supervisor::refused_endpoint(const ManagedProcess& process,
                                         const Ending& ending) const {
    const Settings& settings = segment_.header().settings;
    const bool is_unusable = ending.is(ExitCode::usage) || ending.is(ExitCode::cannot_create);
    if (process.role == Role::producer && settings.source == SourceKind::engine) {
        const bool is_refused =
            is_unusable || ending.is(ExitCode::unavailable) || ending.is(ExitCode::no_permission);
        return is_refused ? "--source" : "";
    }
    const bool is_sink = process.role >= Role::consumer && settings.has_sink != 0;
    return is_sink && !process.was_ready && is_unusable ? "--sink" : "";
}

bool Supervisor::give_way(ManagedProcess& process) {
    const std::optional<pid_t> pid = name_.role_locks().holder(process.role);
    if (!pid) {
        return false;
    }
    Descriptor pidfd = open_pidfd(*pid);
    if (!pidfd.is_open() || name_.role_locks().holder(process.role) != pid) {
        return false;
    }
    log_.info("external process took the role role={} pid={}", process.child.role(), *pid);
    process.external = {*pid, std::move(pidfd)};
    return true;
}

void Supervisor::fail(ManagedProcess& process, const std::string& reason, ExitCode code) {
    if (can_do_without(process)) {
        do_without(process, reason);
        return;
    }
    process.has_failed = true;
    fail(process.child.role() + " " + reason, code);
}

void Supervisor::fail(const std::string& reason, ExitCode code) {
    failure_ = failure_.value_or(code);
    report_error(reason + ": stopping");
    request_stop(StopReason::failure);
}

void Supervisor::request_stop(StopReason reason) {
    if (!stop_request_) {
        stop_request_ = {reason, Clock::now()};
        telemetry_.show_stop(reason);
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
    report_error("the segment was removed while in use: draining what it holds");
    request_stop(StopReason::segment_removed);
}

void Supervisor::look_at_files() {
    const Clock::time_point now = Clock::now();
    if (stop_request_ || now < next_look_) {
        return;
    }
    next_look_ = now + kPollInterval;
    if (!name_.is_current()) {
        renew_lock();
    } else {
        look_at_socket();
    }
    if (!stop_request_ && !control_.is_current()) {
        renew_control();
    }
    if (http_ && !http_->is_reachable()) {
        renew_http();
    }
}

void Supervisor::look_at_socket() {
    if (!name_.takes_clients() || name_.has_socket()) {
        has_socket_ = true;
    } else if (name_.has_activated_socket()) {
        if (std::exchange(has_socket_, false)) {
            warn(
                "the socket was removed while in use: no client finds it until its service manager "
                "makes it again");
        }
    } else if (producer().is_ready() && !producer().was_asked) {
        warn("the socket was removed while in use: the producer makes it again");
        start_anew(producer());
    }
}

// The pipeline goes on without as well. What can't be done is said once.
void Supervisor::renew_http() {
    try {
        http_->renew();
        has_http_ = true;
        warn("the socket of HTTP was removed while in use: it is made again");
    } catch (const Failure& failure) {
        if (std::exchange(has_http_, false)) {
            warn("the socket of HTTP was removed while in use and can't be made again yet: " +
                 std::string(failure.what()));
        }
    }
}

// Nothing but commands needs it: the pipeline goes on without.
void Supervisor::renew_control() {
    const bool is_renewed = control_.renew();
    if (is_renewed == has_control_) {
        return;
    }
    has_control_ = is_renewed;
    warn(is_renewed ? "the command socket is there again"
                    : "the command socket was removed and can't be made again yet: until then no "
                      "command is heard");
}

void Supervisor::renew_lock() {
    if (!name_.renew()) {
        report_error("the lock was removed while in use and can't be made again: stopping");
        failure_ = failure_.value_or(ExitCode::io);
        request_stop(StopReason::lock_removed);
        return;
    }
    warn("the lock was removed while in use: it is made again, and the stages are started anew");
    for (ManagedProcess& process : processes_) {
        if (process.is_running()) {
            process.is_on_former_lock = true;
            start_anew(process);
        } else if (!process.start_at) {
            name_.role_locks().leave(process.role);
        }
    }
}

void Supervisor::start_anew(ManagedProcess& process) {
    if (!process.is_ready()) {
        process.child.kill();
    } else {
        send_off(process);
    }
}

bool Supervisor::may_start(const ManagedProcess& process) const {
    return process.role == Role::producer ||
           std::ranges::none_of(processes_, [](const ManagedProcess& other) {
               return other.role != Role::producer && other.is_on_former_lock;
           });
}

// Nothing of this touches the segment.
void Supervisor::abandon() {
    std::ranges::for_each(processes_, kill_now);
    const Clock::time_point until = Clock::now() + kKillTimeout;
    for (ManagedProcess& process : processes_) {
        while (process.child.is_running() && !process.child.reap() && Clock::now() < until) {
            pollfd death{process.death_fd(), POLLIN, 0};
            ::poll(&death, 1, milliseconds_until(until));
        }
    }
}

// As process 1, or with children that it was started with: they would stay zombies for ever.
void Supervisor::reap_inherited() const {
    const std::set<pid_t> own = this->own();
    siginfo_t info{};
    while (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid > 0 &&
           !own.contains(info.si_pid)) {
        ::waitpid(info.si_pid, nullptr, 0);
        info = {};
    }
}

std::set<pid_t> Supervisor::own() const {
    std::set<pid_t> own{http_ ? http_->pid() : 0};
    for (const ManagedProcess& process : processes_) {
        own.insert(process.child.pid());
    }
    return own;
}

void Supervisor::look_after_http() {
    if (http_) {
        if (const std::optional<std::string> told = http_->look_after()) {
            log_.warn("{}", *told);
        }
    }
}

bool Supervisor::kill_adopted() { return adopted_.kill(own(), kRunVariable, segment_.identity()); }

void Supervisor::end_adopted(Clock::time_point until) {
    while (kill_adopted() && Clock::now() < until) {
        std::this_thread::sleep_for(kBetweenSweeps);
    }
}

void Supervisor::take_signals() {
    while (const int signal = take_signal(signals_)) {
        handle_signal(signal);
    }
}

void Supervisor::take_commands() {
    while (const std::optional<std::string> command = control_.receive()) {
        constexpr std::string_view kScale = "scale ";
        if (!stop_request_ && command->starts_with(kScale)) {
            scale_as_asked(std::string_view(*command).substr(kScale.size()));
        } else if (*command == "stop") {
            handle_signal(SIGTERM);
        } else if (*command == "reload") {
            handle_signal(SIGHUP);
        }
    }
}

void Supervisor::scale_as_asked(std::string_view count) {
    unsigned consumers = 0;
    const char* const end = count.data() + count.size();
    const auto [rest, error] = std::from_chars(count.data(), end, consumers);
    if (error == std::errc() && rest == end && consumers >= 1 && consumers <= kMaxConsumers) {
        scale(consumers);
    }
}

void Supervisor::tell_service() {
    if (service_.is_due()) {
        service_.tell(service_status(segment_, stop_deadline()));
    }
}

std::optional<Supervisor::Clock::time_point> Supervisor::stop_deadline() const {
    return stop_request_ ? std::optional(stop_request_->at +
                                         std::chrono::microseconds(
                                             segment_.header().settings.grace_microseconds))
                         : std::nullopt;
}

// The stages do it at a signal of their own, and tell nobody when they have.
void Supervisor::reload() {
    service_.tell_reloading();
    reopen_logs();
    service_.tell_reloaded();
}

void Supervisor::reopen_logs() {
    if (!log_.sink().reopen()) {
        console_.error("the log can't be opened again, its old file is still written");
    }
    for (ManagedProcess& process : processes_) {
        process.is_to_reopen_log = !process.is_ready();
        if (process.is_ready()) {
            process.signal(SIGHUP);
        }
    }
}

void Supervisor::handle_signal(int signal) {
    if (signal == SIGCHLD) {
        return;  // it has woken wait(), and who died was looked after
    }
    if (signal == SIGHUP) {
        reload();
        return;
    }
    const Clock::time_point now = Clock::now();
    if (signal == SIGINT) {
        first_interrupt_ = first_interrupt_.value_or(now);
        is_forced_ = is_forced_ || now >= *first_interrupt_ + kOneInterrupt;
    }
    is_forced_ = is_forced_ || signal == SIGQUIT;
    request_stop(signal == SIGINT    ? StopReason::sigint
                 : signal == SIGQUIT ? StopReason::sigquit
                                     : StopReason::sigterm);
}

void Supervisor::scale(unsigned count) {
    const std::string change = "scale consumers=" + std::to_string(count) +
                               " before=" + std::to_string(segment_.header().consumers.load());
    log_.info("{}", change);
    console_.say(change);
    segment_.scale(count);
    for (unsigned number = 0; number < consumers().size(); ++number) {
        ManagedProcess& process = consumers()[number];
        if (number < count) {
            process.is_to_leave = false;
            process.leave_by.reset();
            process.is_wanted = true;
            if (!process.is_running() && !process.start_at) {
                enable(process);
            }
        } else if (process.is_running() || process.start_at) {
            ask_to_leave(process);
        }
    }
    // Those that are asleep look again which partitions they have.
    segment_.header().events_available.notify_always();
}

bool Supervisor::can_do_without(const ManagedProcess& process) const {
    return processes_.front().was_ready && !stop_request_ && !process.was_ready &&
           process.role > Role::consumer;
}

void Supervisor::do_without(ManagedProcess& process, const std::string& reason) {
    warn(process.child.role() + " " + reason + ": going on with fewer");
    const auto number = static_cast<unsigned>(process.role) - static_cast<unsigned>(Role::consumer);
    reduced_target_ = std::min(number, reduced_target_.value_or(number));
    // What it may have taken by now goes to those that are there.
    process.is_wanted = false;
    process.child.kill();
}

Supervisor::Clock::time_point Supervisor::next_time(Clock::time_point until) const {
    until = std::min({until, telemetry_.next_tick(), service_.next_time()});
    if (http_) {
        until = std::min(until, http_->start_at().value_or(until));
    }
    if (may_have_adopted_) {
        until = std::min(until, Clock::now() + kBetweenSweeps);
    }
    if (watch_.fd() < 0) {
        until = std::min(until, Clock::now() + SegmentWatch::kPollInterval);
    }
    for (const ManagedProcess& process : processes_) {
        if (process.start_at && may_start(process)) {
            until = std::min(until, *process.start_at);
        }
        if (process.leave_by && !stop_request_) {
            until = std::min({until, *process.leave_by, awake_at_ + kTick});
        }
        if (process.is_wanted && process.child.is_running() && !process.child.is_ready() &&
            !process.has_failed) {
            until = std::min({until, process.child.started_at() + kReadyLimit, awake_at_ + kTick});
        }
    }
    return until;
}

}  // namespace drainpipe
