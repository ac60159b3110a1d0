#pragma once

#include <chrono>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "adopted_children.hpp"
#include "console.hpp"
#include "control_socket.hpp"
#include "failure.hpp"
#include "http_process.hpp"
#include "log.hpp"
#include "managed_process.hpp"
#include "name_claim.hpp"
#include "segment.hpp"
#include "segment_watch.hpp"
#include "service_manager.hpp"
#include "telemetry.hpp"

namespace drainpipe {

// Keeps the children running, one for one, as many consumers as the target count says, and takes
// the signals that are meant for the launcher. Everything happens inside wait(), which sleeps until
// the kernel has something to tell.
class Supervisor {
  public:
    using Clock = std::chrono::steady_clock;

    static constexpr std::chrono::seconds kReadyLimit{5};

    // How long a process may take to die of SIGKILL.
    static constexpr std::chrono::seconds kKillTimeout{1};

    // Between two looks at whether run directory, lock and socket are there.
    static constexpr std::chrono::seconds kPollInterval{2};

    // A wake-up that is later than this was not the kernel's doing.
    static constexpr std::chrono::milliseconds kLateWakeup{500};

    // Between two wake-ups at most while a limit on a child runs: time in which the launcher was
    // frozen is known as well as that.
    static constexpr std::chrono::milliseconds kTick{250};

    // A wrapper that passes Ctrl-C on doubles it: SIGINTs that come within this count as one.
    static constexpr std::chrono::milliseconds kOneInterrupt{500};

    // The programs of the producer and of each consumer up to the limit. `signals` as
    // claim_signals() returned it. `http` may be null.
    Supervisor(std::vector<Child::Program> programs, HttpProcess* http, Descriptor signals,
               NameClaim& name, ControlSocket& control, Segment& segment, SegmentWatch& watch,
               ServiceManager& service, Log& log, Console& console);

    ManagedProcess& producer() { return processes_.front(); }
    // All slots of consumers, by number; the first ones, as many as the target count says, are
    // wanted.
    std::span<ManagedProcess> consumers() { return std::span(processes_).subspan(1); }
    std::span<ManagedProcess> all() { return processes_; }

    // Starts or ends consumers until there are so many. One that is to leave finishes its chunk and
    // gives back what it has not begun.
    void scale(unsigned consumers);

    // Starts a child now and keeps it running.
    void enable(ManagedProcess& process);

    // Does not start it again from now on.
    void disable(ManagedProcess& process);

    // SIGTERM now, or as soon as the child, or its replacement, is ready for it. Outside a stop one
    // that has not left when the grace time is over is killed.
    void ask_to_leave(ManagedProcess& process);

    // SIGCONT, for a child that was stopped. Before it is asked to leave: a debugger or a leak
    // checker that attaches to one on its way out waits for ever when a SIGCONT takes its SIGSTOP
    // away.
    void resume(ManagedProcess& process);

    // Ends children with their process groups, now. One that is there kKillTimeout later all the
    // same (stuck in the kernel, held by a debugger) is said and left behind.
    void kill(std::span<ManagedProcess> stages);

    // Ends what the commands of consumers have left running, until nothing of it is there or the
    // time is over.
    void end_adopted(Clock::time_point until);

    // Waits until something has happened and was dealt with, or until that time. Throws
    // Failure(io), with all children ended, where the segment was cut.
    void wait(Clock::time_point until);

    // Time that no limit on a child counts: the launcher did not run, and so perhaps no process
    // did, as in a container that was paused.
    Clock::duration frozen() const { return frozen_; }

    // When it last woke up. Limits on children are held against this, and no later time: a launcher
    // that was frozen since has yet to leave that out.
    Clock::time_point awake_at() const { return awake_at_; }

    // The first stop request, if one has come.
    struct StopRequest {
        StopReason reason;
        Clock::time_point at;
    };
    const std::optional<StopRequest>& stop_request() const { return stop_request_; }
    // When that stop is to be over.
    std::optional<Clock::time_point> stop_deadline() const;

    // Requests a stop as a signal does, for a reason of the pipeline's own.
    void request_stop(StopReason reason);
    // The same where it can't go on, and says why.
    void fail(const std::string& reason, ExitCode code);

    // A second SIGINT, kOneInterrupt or more after the first, or a SIGQUIT: the drain is to be cut
    // short.
    bool is_forced() const { return is_forced_; }

    // The segment's file was removed: what runs goes on in its mappings, and is to be stopped.
    bool has_lost_segment() const { return has_lost_segment_; }

    // A child outlived its SIGKILL, and is still there.
    bool has_left_behind() const;

    // Why the pipeline can't go on, if it can't; a stop is requested then.
    const std::optional<ExitCode>& failure() const { return failure_; }

  private:
    // Leaves out of all limits how much later it is than it should be: after a wait until then, or
    // after what is done between two waits and takes no time.
    void leave_out_frozen_time(Clock::time_point intended);
    void start(ManagedProcess& process);
    static void kill_now(const ManagedProcess& process);
    void leave_behind(const ManagedProcess& process);
    void tell_service();
    void reload();
    void reopen_logs();
    // The pids of all children.
    std::set<pid_t> own() const;
    void start_later(ManagedProcess& process, const std::string& reason, ExitCode code);
    void handle_ready(ManagedProcess& process);
    void supervise(ManagedProcess& process);
    // Outside a stop, whose deadline is the launcher's business.
    void end_if_it_hangs(ManagedProcess& process);
    // One that is to leave anyway is killed; any other one fails.
    void fail_to_get_ready(ManagedProcess& process);
    void on_exit(ManagedProcess& process, const Ending& ending);
    // Whether the events are the lines of a file or of standard input.
    bool has_lines() const;
    // The option whose engine the program has refused to use, as it said itself; else empty.
    std::string refused_endpoint(const ManagedProcess& process, const Ending& ending) const;
    bool give_way(ManagedProcess& process);
    void fail(ManagedProcess& process, const std::string& reason, ExitCode code);
    // Whether it is one of more consumers that were asked for, and never was there.
    bool can_do_without(const ManagedProcess& process) const;
    void do_without(ManagedProcess& process, const std::string& reason);
    void look_after_http();
    void look_at_segment();
    // Ends all children, of a segment that must not be touched any more.
    void abandon();
    void reap_inherited() const;
    // SIGKILL for what commands of consumers that are gone have left running, which this process
    // has adopted; whether there was any.
    bool kill_adopted();
    // Each to the log and to standard error.
    void warn(const std::string& fact) const;
    void report_error(const std::string& fact) const;
    // Has run directory, lock and socket made again where they were removed.
    void look_at_files();
    void look_at_socket();
    void renew_control();
    void renew_http();
    void renew_lock();
    // Has another process take its place over: it leaves and is started again.
    void start_anew(ManagedProcess& process);
    // SIGTERM; its leaving is no death, and it has the grace time for it.
    void send_off(ManagedProcess& process);
    // While a consumer holds its place in a former lock file none may be started: the one would
    // take the other for gone.
    bool may_start(const ManagedProcess& process) const;
    void take_signals();
    void take_commands();
    void scale_as_asked(std::string_view count);
    void handle_signal(int signal);
    Clock::time_point next_time(Clock::time_point until) const;

    std::vector<ManagedProcess> processes_;  // the producer, then the consumers
    HttpProcess* http_;                      // beside them: nothing waits for it, or stops with it
    AdoptedChildren adopted_;
    bool may_have_adopted_ = false;  // since a consumer has gone
    Descriptor signals_;
    NameClaim& name_;
    ControlSocket& control_;
    Segment& segment_;
    Telemetry telemetry_;
    SegmentWatch& watch_;
    ServiceManager& service_;
    Log& log_;
    Console& console_;
    std::optional<StopRequest> stop_request_;
    std::optional<ExitCode> failure_;
    std::optional<Clock::time_point> first_interrupt_;
    bool is_forced_ = false;
    bool has_lost_segment_ = false;
    bool has_left_behind_ = false;
    bool has_control_ = true;
    bool has_http_ = true;
    bool has_socket_ = true;  // that a service manager holds
    Clock::duration frozen_{};
    Clock::time_point awake_at_ = Clock::now();
    Clock::time_point next_look_{};           // at the files
    std::optional<unsigned> reduced_target_;  // consumers that the system has room for
};

}  // namespace drainpipe
