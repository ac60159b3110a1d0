#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "address.hpp"
#include "failure.hpp"
#include "log.hpp"
#include "membership.hpp"
#include "watcher.hpp"

namespace drainpipe {

class CommandLine;

// What the command line of a stage says.
struct StageOptions {
    std::optional<Address> address;  // set once parsed
    std::string ready_fd;            // empty: no process waits for it
    std::string socket_fd;           // empty: no listening socket was passed
    unsigned consumer = 0;           // which one, from 0

    // Each reads the command line of the program of that name; an exit code means that it was
    // handled (--help). Throws Failure(usage).
    std::optional<ExitCode> parse_producer(int argc, char** argv,
                                           const std::string& program = "producer");
    std::optional<ExitCode> parse_consumer(int argc, char** argv,
                                           const std::string& program = "consumer");

  private:
    std::optional<ExitCode> parse(CommandLine& line, int argc, char** argv);
};

// A process as a stage of a pipeline: its membership, its log, and what it is told from outside.
class Stage {
  public:
    // Joins the pipeline as Membership does. Requires that no thread was started.
    Stage(const StageOptions& options, Role role);

    Membership& membership() { return membership_; }
    Segment& segment() { return membership_.segment(); }
    Log& log() { return log_; }
    // Says it in the log and on standard error.
    void warn(const std::string& what);

    // Starts to listen to the outside. After should_leave() or launcher_is_gone() has become true
    // `event_count` is notified and wake_fd() is readable from then on. Where the launcher is gone
    // the kernel ends this process when the grace time is over.
    void listen(EventCount& event_count);
    int wake_fd() const { return wake_.get(); }

    // Whether it was started by a person, and not by the launcher.
    bool is_by_hand() const { return is_by_hand_; }

    // The listening socket that the launcher has passed, if it has; to be called once.
    Descriptor take_socket() { return std::move(socket_); }

    // Tells the launcher that this stage works.
    void report_ready();

    // Set before either of these becomes true, and for good.
    const std::atomic<bool>& has_news() const { return has_news_; }
    bool should_leave() const { return should_leave_.load(std::memory_order_relaxed); }
    bool launcher_is_gone() const { return launcher_is_gone_.load(std::memory_order_relaxed); }

    // Adds the log lines that were lost to the run's count, and complains now and then.
    void count_lost_log_lines();

    // Ends this part. Where the launcher is gone and no other stage is left, it says on its behalf
    // what became of the events, and removes what no process needs any more.
    void leave();

  private:
    bool has_to_account();
    void reopen_log();
    void wake(EventCount& event_count);
    void end_after_grace();

    Descriptor ready_;
    Descriptor socket_;
    Descriptor signals_;
    Descriptor wake_;
    bool is_by_hand_;
    Membership membership_;
    Log log_;
    std::chrono::steady_clock::time_point next_complaint_;
    std::atomic<bool> has_news_{false};
    std::atomic<bool> should_leave_{false};
    std::atomic<bool> launcher_is_gone_{false};
    std::optional<Watcher> watcher_;
};

// Runs the stage; what it throws is in its log, too.
ExitCode run_logged(Stage& stage, const std::function<void()>& run);

}  // namespace drainpipe
