#pragma once

// One start of the launcher and its life: what it has said, what was sent to it, and whether the
// way it ended is one that the contract knows.

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "harness/process.hpp"
#include "plan.hpp"
#include "room.hpp"

namespace soak {

class Run {
  public:
    using Clock = std::chrono::steady_clock;

    // Starts the launcher and doesn't wait for it.
    Run(Room& room, const Plan& plan);

    [[nodiscard]] pid_t pid() const { return process_->pid(); }
    [[nodiscard]] Clock::time_point started_at() const { return started_at_; }
    void send(int signal);

    // The exit code, 128 + the signal's number after a death by signal; nothing while it runs.
    [[nodiscard]] std::optional<int> ending();
    // Killed by a signal of ours that leaves a process no choice.
    [[nodiscard]] bool was_killed();
    [[nodiscard]] bool is_ready() const { return has_said("launcher: ready "); }
    [[nodiscard]] bool is_stopping() const { return has_said("launcher: stopping "); }
    // When it was first asked to stop.
    [[nodiscard]] std::optional<Clock::time_point> stop_asked_at() const { return stop_asked_at_; }
    // How many events its summary says are done, and how many left; nothing without a summary.
    [[nodiscard]] std::optional<std::uint64_t> in_summary(std::string_view key) const;

    // What is wrong with the way it ended; empty when nothing is. `orphan_slept`: a stage that the
    // launcher before it left behind was stopped for a while, and may drain for longer than the
    // launcher waits for it. Requires ending().
    [[nodiscard]] std::string fault(bool orphan_slept);

    [[nodiscard]] std::string errors() const { return process_->errors(); }

  private:
    [[nodiscard]] bool has_said(std::string_view words) const;
    [[nodiscard]] std::string fault_of_code(int code, bool orphan_slept) const;
    [[nodiscard]] bool is_forced() const;

    const Plan& plan_;
    std::optional<harness::Process> process_;
    Clock::time_point started_at_;
    std::optional<Clock::time_point> stop_asked_at_;
    std::optional<Clock::time_point> ended_at_;
    std::multiset<int> sent_;
};

}  // namespace soak
