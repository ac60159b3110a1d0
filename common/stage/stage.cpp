#include "stage.hpp"

#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <limits>
#include <utility>

#include "command_line.hpp"
#include "cut.hpp"
#include "failure.hpp"
#include "quantity.hpp"
#include "signals.hpp"

namespace drainpipe {
namespace {

constexpr std::chrono::seconds kBetweenComplaints{10};

Descriptor ready_descriptor(const std::string& text) {
    if (text.empty()) {
        return {};
    }
    return Descriptor(
        static_cast<int>(parse_count("--ready-fd", text, 3, std::numeric_limits<int>::max())));
}

RoleLocks take_role(const Address& address, Role role, bool is_by_hand) {
    std::optional<RoleLocks> role_locks = RoleLocks::find(address.lock_path());
    if (!role_locks || !role_locks->holder(Role::launcher)) {
        address.fail_not_running();
    }
    if (is_by_hand) {
        role_locks->require_not_stopping(address.describe());
    }
    if (!role_locks->take(role)) {
        const auto holder = role_locks->holder(role);
        throw Failure(ExitCode::taken, "the role is taken by " +
                                           RoleLocks::describe(holder.value_or(0)) +
                                           " in pipeline '" + address.name() + "'");
    }
    if (!role_locks->is_current()) {
        address.fail_not_running();
    }
    return std::move(*role_locks);
}

// The launcher's life, as the kernel tells it. Looked at again behind the opening: a pid may pass
// to another process in between, the role can't.
Descriptor watch_launcher(const Address& address, const RoleLocks& role_locks) {
    const std::optional<pid_t> pid = role_locks.holder(Role::launcher);
    if (!pid) {
        address.fail_not_running();
    }
    if (*pid == 0) {
        throw Failure(
            ExitCode::unavailable,
            "the launcher of " + address.describe() +
                " is in another pid namespace, where it can't be watched: start the stage "
                "there");
    }
    Descriptor launcher(static_cast<int>(::syscall(SYS_pidfd_open, *pid, 0)));
    if (!launcher.is_open() || role_locks.holder(Role::launcher) != pid) {
        address.fail_not_running();
    }
    // From here on the launcher's death is this stage's own business.
    ::prctl(PR_SET_PDEATHSIG, 0);
    return launcher;
}

Segment open_segment(const Address& address) {
    exit_where_segment_is_cut();
    try {
        Segment segment = Segment::open(address.name());
        segment.hold_as_stage();
        return segment;
    } catch (const SegmentRefused& refused) {
        throw Failure(ExitCode::cannot_create, refused.what());
    }
}

// "consumer" where a run begins with one, "consumer.2" where there are several.
std::string name_in_log(const std::string& program, Role role, const Header& header) {
    const unsigned number = static_cast<unsigned>(role) - static_cast<unsigned>(Role::consumer);
    if (role < Role::consumer || (number == 0 && header.settings.consumers == 1)) {
        return program;
    }
    return program + "." + std::to_string(number + 1);
}

}  // namespace

std::optional<ExitCode> StageOptions::parse_producer(int argc, char** argv) {
    CommandLine line("producer", "Takes events in for a running pipeline.");
    return parse(line, argc, argv);
}

std::optional<ExitCode> StageOptions::parse_consumer(int argc, char** argv) {
    CommandLine line("consumer", "Does the work on each event of a running pipeline.");
    std::string number = "1";
    line.add_option("number", number, "N", "Which of several consumers");
    const std::optional<ExitCode> said = parse(line, argc, argv);
    if (!said) {
        consumer =
            static_cast<unsigned>(parse_count(line.origin("number"), number, 1, kMaxConsumers)) - 1;
    }
    return said;
}

std::optional<ExitCode> StageOptions::parse(CommandLine& line, int argc, char** argv) {
    std::string name;
    std::string run_folder;
    line.add_address(name, run_folder);
    line.add_hidden_option("ready-fd", ready_fd);
    const std::optional<ExitCode> said = line.parse(argc, argv);
    if (!said) {
        address.emplace(name, run_folder, line.origin("name"), line.origin("run-dir"));
    }
    return said;
}

Stage::Stage(const StageOptions& options, const std::string& program, Role role)
    : address_(where_it_runs(options.address.value())),
      ready_(ready_descriptor(options.ready_fd)),
      signals_(claim_signals({SIGTERM, SIGINT, SIGHUP})),
      wake_(make_event_descriptor()),
      is_by_hand_(options.ready_fd.empty()),
      role_locks_(take_role(address_, role, is_by_hand_)),
      launcher_(watch_launcher(address_, role_locks_)),
      segment_(open_segment(address_)),
      log_(segment_.header().settings.log_folder.data(),
           name_in_log(program, role, segment_.header()), LogSink::File::may_be_missing,
           address_.log_label()),
      role_(role) {
    require_wanted(options);
}

// Whom the launcher has started it can use, if only to leave in order.
void Stage::require_wanted(const StageOptions& options) const {
    if (!is_by_hand_) {
        return;
    }
    role_locks_.require_not_stopping(address_.describe());
    const std::uint32_t consumers = segment_.header().consumers.load();
    if (options.consumer >= consumers) {
        throw Failure(ExitCode::unavailable,
                      "pipeline '" + address_.name() + "' has " + std::to_string(consumers) +
                          " consumers and no number " + std::to_string(options.consumer + 1));
    }
}

void Stage::warn(const std::string& what) {
    log_.warn("{}", what);
    write_if_ready(STDERR_FILENO, log_.program() + ": " + what + "\n");
}

std::chrono::microseconds Stage::grace() const {
    return std::chrono::microseconds(segment_.header().settings.grace_microseconds);
}

void Stage::listen(EventCount& event_count) {
    watcher_.emplace(std::move(signals_), std::move(launcher_),
                     Watcher::Calls{.leave =
                                        [this, &event_count] {
                                            should_leave_ = true;
                                            wake(event_count);
                                        },
                                    .launcher_gone =
                                        [this, &event_count] {
                                            end_after_grace();
                                            launcher_is_gone_ = true;
                                            wake(event_count);
                                        },
                                    .reopen_log = [this] { reopen_log(); }});
}

void Stage::reopen_log() {
    if (!log_.sink().reopen()) {
        write_if_ready(
            STDERR_FILENO,
            log_.program() + ": the log can't be opened again, its old file is still written\n");
    }
}

void Stage::wake(EventCount& event_count) {
    event_count.notify_always();
    ::eventfd_write(wake_.get(), 1);
}

bool Stage::may_begin() const {
    const std::int64_t deadline = segment_.header().stop_deadline.load();
    return deadline == 0 || std::chrono::steady_clock::now().time_since_epoch() + kNothingBegins <
                                std::chrono::nanoseconds(deadline);
}

void Stage::end_after_grace() {
    segment_.header().stop_deadline.store(
        std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch() + grace())
            .count());
    const auto microseconds = std::max<std::int64_t>(1, grace().count());
    itimerval timer{};
    timer.it_value.tv_sec = microseconds / 1000000;
    timer.it_value.tv_usec = microseconds % 1000000;
    ::signal(SIGALRM, SIG_DFL);
    ::setitimer(ITIMER_REAL, &timer, nullptr);
}

void Stage::report_ready() {
    if (ready_.is_open()) {
        write_all(ready_.get(), "ready\n");
        ready_.reset();
    }
}

std::string Stage::describe_consumer(unsigned number) const {
    const Role role = consumer_role(number);
    return name_in_log("consumer", role, segment_.header()) +
           " pid=" + std::to_string(role_locks_.holder(role).value_or(0));
}

void Stage::count_lost_log_lines() {
    const std::uint64_t lost = log_.sink().take_lost();
    if (lost == 0) {
        return;
    }
    segment_.header().log_lines_lost.add(lost);
    const auto now = std::chrono::steady_clock::now();
    if (now >= next_complaint_) {
        next_complaint_ = now + kBetweenComplaints;
        write_if_ready(STDERR_FILENO, log_.program() +
                                          ": the log can't be written, lines are lost (" +
                                          std::to_string(segment_.header().log_lines_lost.load()) +
                                          " so far); the work goes on\n");
    }
}

void Stage::leave() {
    count_lost_log_lines();
    if (role_locks_.holder(Role::launcher)) {
        return;
    }
    role_locks_.leave(role_);
    role_locks_.wait_and_take(Role::cleaning);
    // Another stage may have cleaned up since, and a new launcher have begun on a new lock file.
    if (role_locks_.is_current() && !role_locks_.holder(Role::launcher) &&
        !role_locks_.stage_holder()) {
        clean_up();
    }
    role_locks_.leave(Role::cleaning);
}

// A launcher that stops ends all stages that it knows before it gives the account itself. One that
// was started by hand and never asked to leave it may not have known.
bool Stage::has_to_account() const {
    return !is_by_hand_ || should_leave() || segment_.header().phase.load() == Phase::running;
}

void Stage::clean_up() {
    if (has_to_account()) {
        log_.info("summary {}", to_text(account()));
    }
    if (account().left == 0 && segment_.is_at(address_.name())) {
        Segment::remove(address_.name());
    }
    ::unlink(address_.socket_path().c_str());
    ::unlink(address_.control_path().c_str());
    role_locks_.remove_file();
}

}  // namespace drainpipe
