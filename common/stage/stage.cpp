#include "stage.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <exception>
#include <limits>
#include <utility>

#include "command_line.hpp"
#include "cut.hpp"
#include "failure.hpp"
#include "quantity.hpp"
#include "signals.hpp"
#include "strays.hpp"
#include "terminal_line.hpp"

namespace drainpipe {
namespace {

constexpr std::chrono::seconds kBetweenComplaints{10};

// By the number that the launcher has given, if it has.
Descriptor passed_descriptor(const char* flag, const std::string& text) {
    if (text.empty()) {
        return {};
    }
    Descriptor passed(
        static_cast<int>(parse_count(flag, text, 3, std::numeric_limits<int>::max())));
    ::fcntl(passed.get(), F_SETFD, FD_CLOEXEC);  // it is for no process of the stage's own
    return passed;
}

Membership join(const StageOptions& options, Role role, bool is_by_hand) {
    exit_where_segment_is_cut();
    return {where_it_runs(options.address.value()), role, is_by_hand};
}

}  // namespace

std::optional<ExitCode> StageOptions::parse_producer(int argc, char** argv,
                                                     const std::string& program) {
    CommandLine line(program, "Takes events in for a running pipeline.");
    return parse(line, argc, argv);
}

std::optional<ExitCode> StageOptions::parse_consumer(int argc, char** argv,
                                                     const std::string& program) {
    CommandLine line(program, "Does the work on each event of a running pipeline.");
    std::string number;
    line.add_option("number", number, "N", "Which of several consumers [1]");
    const std::optional<ExitCode> said = parse(line, argc, argv);
    if (said) {
        return said;
    }
    if (number.empty()) {
        if (!ready_fd.empty()) {
            throw Failure(ExitCode::usage,
                          "a consumer, started as a producer: name it with --consumer");
        }
        number = "1";
    }
    consumer =
        static_cast<unsigned>(parse_count(line.origin("number"), number, 1, kMaxConsumers)) - 1;
    return said;
}

std::optional<ExitCode> StageOptions::parse(CommandLine& line, int argc, char** argv) {
    std::string name = Address::kDefaultName;
    std::string run_directory;
    line.add_address(name, run_directory);
    line.add_hidden_option("ready-fd", ready_fd);
    line.add_hidden_option("socket-fd", socket_fd);
    const std::optional<ExitCode> said = line.parse(argc, argv);
    if (!said) {
        address.emplace(name, run_directory, line.origin("name"), line.origin("run-dir"));
    }
    return said;
}

Stage::Stage(const StageOptions& options, Role role)
    : ready_(passed_descriptor("--ready-fd", options.ready_fd)),
      socket_(passed_descriptor("--socket-fd", options.socket_fd)),
      signals_(claim_signals({SIGTERM, SIGINT, SIGHUP})),
      wake_(make_event_descriptor()),
      is_by_hand_(options.ready_fd.empty()),
      membership_(join(options, role, is_by_hand_)),
      log_(segment().header().settings.log_directory.data(), membership_.name(),
           LogSink::File::may_be_missing, membership_.address().log_label()) {
    // Started by a descriptor (Child::Program::file) it would have the descriptor's number for it.
    ::prctl(PR_SET_NAME, program_invocation_short_name);
}

void Stage::warn(const std::string& what) {
    log_.warn("{}", what);
    write_error_line(log_.program() + ": " + what + "\n");
}

void Stage::listen(EventCount& event_count) {
    watcher_.emplace(std::move(signals_), membership_.take_launcher(),
                     Watcher::Calls{.leave =
                                        [this, &event_count] {
                                            has_news_ = true;
                                            should_leave_ = true;
                                            wake(event_count);
                                        },
                                    .launcher_gone =
                                        [this, &event_count] {
                                            end_after_grace();
                                            has_news_ = true;
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

void Stage::end_after_grace() {
    membership_.set_deadline();
    const auto microseconds = std::max<std::int64_t>(1, membership_.grace().count());
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

void Stage::count_lost_log_lines() {
    const std::uint64_t lost = log_.sink().take_lost();
    if (lost == 0) {
        return;
    }
    segment().header().log_lines_lost.add(lost);
    const auto now = std::chrono::steady_clock::now();
    if (now >= next_complaint_) {
        next_complaint_ = now + kBetweenComplaints;
        write_error_line(log_.program() + ": the log can't be written, lines are lost (" +
                         std::to_string(segment().header().log_lines_lost.load()) +
                         " so far); the work goes on\n");
    }
}

void Stage::leave() {
    count_lost_log_lines();
    membership_.leave([this] {
        end_strays_of(segment().identity());  // of consumers that were killed
        if (has_to_account()) {
            log_.info("summary {}", to_text(membership_.account()));
        }
    });
}

// A launcher that stops ends all stages that it knows before it gives the account itself. One that
// was started by hand and never asked to leave it may not have known.
bool Stage::has_to_account() {
    return !is_by_hand_ || should_leave() || segment().header().phase.load() == Phase::running;
}

ExitCode run_logged(Stage& stage, const std::function<void()>& run) {
    try {
        run();
    } catch (const std::exception& error) {
        stage.log().error("{}", error.what());
        throw;
    }
    return ExitCode::done;
}

}  // namespace drainpipe
