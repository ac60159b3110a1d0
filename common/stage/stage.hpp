#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <string>

#include "address.hpp"
#include "exit_code.hpp"
#include "gauge.hpp"
#include "log.hpp"
#include "role_locks.hpp"
#include "segment.hpp"
#include "watcher.hpp"

namespace drainpipe {

class CommandLine;

// What the command line of a stage says.
struct StageOptions {
    std::optional<Address> address;  // set once parsed
    std::string ready_fd;            // empty: nobody waits for it
    unsigned consumer = 0;           // which one, from 0

    // Each reads the command line; an exit code means that all is said (--help). Throws
    // Failure(usage).
    std::optional<ExitCode> parse_producer(int argc, char** argv);
    std::optional<ExitCode> parse_consumer(int argc, char** argv);

  private:
    std::optional<ExitCode> parse(CommandLine& line, int argc, char** argv);
};

// A process's part in a running pipeline: its role, the mapped segment, the log, and what it was
// told from outside. As long as it lives nobody else has the role.
class Stage {
  public:
    // Joins the pipeline. Throws Failure: taken where the role is held (with the holder's pid), or
    // where this stage was started by hand and the pipeline is shutting down; unavailable where no
    // such pipeline runs. Requires that no thread was started.
    Stage(const StageOptions& options, const std::string& program, Role role);

    const Address& address() const { return address_; }
    Segment& segment() { return segment_; }
    Log& log() { return log_; }
    // Says it in the log and on standard error.
    void warn(const std::string& what);
    std::chrono::microseconds grace() const;

    // Whether there is time to begin another event before the stop's deadline, if one is known.
    bool may_begin() const;

    // Starts to listen to the outside. After should_leave() or launcher_is_gone() has become true
    // `event_count` is notified and wake_fd() is readable from then on. Where the launcher is gone
    // the kernel ends this process when the grace time is over.
    void listen(EventCount& event_count);
    int wake_fd() const { return wake_.get(); }

    // Tells the launcher that this stage works.
    void report_ready();

    bool should_leave() const { return should_leave_.load(std::memory_order_relaxed); }
    bool launcher_is_gone() const { return launcher_is_gone_.load(std::memory_order_relaxed); }

    // What has become of the run's events so far.
    Account account() const { return account_of(segment_.header(), segment_.states()); }

    // Takes the output that all consumers share; false while another one has it.
    [[nodiscard]] bool try_output() { return role_locks_.take(Role::output); }
    void leave_output() { role_locks_.leave(Role::output); }

    // Whether a process has that number, from 0, other than this one.
    bool has_consumer(unsigned number) const {
        // In a lock file that was removed the replacement of that consumer is not to be seen.
        return !role_locks_.is_current() || role_locks_.holder(consumer_role(number)).has_value();
    }

    // "consumer.2 pid=123", for a consumer by its number from 0.
    std::string describe_consumer(unsigned number) const;

    // Adds the log lines that were lost to the run's count, and complains now and then.
    void count_lost_log_lines();

    // Ends this part. Where the launcher is gone and nobody else is left, it says on its behalf
    // what became of the events, and removes what nobody needs any more.
    void leave();

  private:
    void require_wanted(const StageOptions& options) const;
    bool has_to_account() const;
    void clean_up();
    void reopen_log();
    void wake(EventCount& event_count);
    void end_after_grace();

    Address address_;
    Descriptor ready_;
    Descriptor signals_;
    Descriptor wake_;
    bool is_by_hand_;
    RoleLocks role_locks_;
    Descriptor launcher_;
    Segment segment_;
    Log log_;
    Role role_;
    std::chrono::steady_clock::time_point next_complaint_;
    std::atomic<bool> should_leave_{false};
    std::atomic<bool> launcher_is_gone_{false};
    std::optional<Watcher> watcher_;
};

}  // namespace drainpipe
