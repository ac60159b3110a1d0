#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include "console.hpp"
#include "control_socket.hpp"
#include "descriptor.hpp"
#include "display.hpp"
#include "failure.hpp"
#include "gauge.hpp"
#include "http_process.hpp"
#include "job.hpp"
#include "log.hpp"
#include "name_claim.hpp"
#include "options.hpp"
#include "segment.hpp"
#include "segment_claim.hpp"
#include "service_environment.hpp"
#include "service_manager.hpp"
#include "source_file.hpp"
#include "supervisor.hpp"
#include "watchdog.hpp"

namespace drainpipe {

// A pipeline from its start to its account: claims the name, makes or recovers the segment, keeps
// the stages running, shuts them down in the order of the flow, and says what became of the events.
// It never takes the ring's lock, so that no stage can hang it.
class Launcher {
  public:
    using Clock = std::chrono::steady_clock;

    // Claims the name, opens the log and makes or recovers the segment. Throws Failure, and leaves
    // things as they were then. `signals` as claim_signals() returned it.
    Launcher(const Options& options, const ServiceEnvironment& service, Descriptor signals);

    // Runs the pipeline until it is stopped; the exit code says whether anything is left.
    ExitCode run();

  private:
    // What the stages are started as.
    struct Stages {
        std::vector<Child::Program> programs;
        std::vector<Descriptor> inputs;  // of some of the programs
    };
    static Stages stages_of(const Options& options);

    Launcher(const Options& options, const ServiceEnvironment& service, Descriptor signals,
             Stages stages);

    ExitCode run_to_the_end();
    void start();
    // Waits until each of them is ready; false when a stop request comes first.
    bool await_ready(std::span<ManagedProcess> stages);
    void announce();
    void say_where_clients_look();

    // What is given with --from: until all of it is done, or a stop is requested.
    void run_job();

    ExitCode shut_down();
    void await_source();
    // When the consumers are to be done.
    Clock::time_point end_of_drain(Clock::time_point deadline) const;
    void give_back(Clock::time_point deadline);
    void settle_source(Clock::time_point deadline);
    std::uint64_t untold() const;
    void close_intake(Clock::time_point deadline);
    void drain(Clock::time_point deadline);
    void start_all_consumers();
    // Whether all that is left waits for a retry.
    bool is_left_for_next_run() const;
    void kill_what_still_runs();
    ExitCode settle();
    void say_where_file_stands(const Account& account);
    ExitCode exit_code_for(const Account& account);

    Account account() const { return gauge_.read(); }
    bool is_cut_short(Clock::time_point deadline) const;

    Options options_;
    Console console_;
    std::optional<SourceFile> source_file_;
    NameClaim name_claim_;
    Log log_;
    std::unique_ptr<HttpProcess> http_;  // null where HTTP is not asked for
    SegmentClaim segment_claim_;
    Segment& segment_;  // of which it writes the run's words, and notifies the event counts
    Gauge gauge_;       // by which it reads
    Display display_;
    ControlSocket control_;
    SegmentWatch watch_;
    ServiceManager service_;
    std::vector<Descriptor> stage_inputs_;
    Supervisor supervisor_;
    Watchdog watchdog_;
};

}  // namespace drainpipe
