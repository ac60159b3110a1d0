#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "adopted_children.hpp"

namespace drainpipe {

// Ends what a user's processes leave running when they end, in whatever group or session it hides.
// A leftover is told from what a running one has in the background by a variable in its
// environment; where that was cleared, it is ended when no process runs any more that ran when it
// was seen first.
class Leftovers {
  public:
    using Clock = std::chrono::steady_clock;

    // The processes that run, by the serial number that each was given when it was started.
    using Running = std::map<std::uint64_t, pid_t>;

    // "NAME=value" for the environment of the process with that serial number.
    std::string variable(std::uint64_t serial) const;

    // To be called when a process has ended and was reaped, and at next_time(): SIGKILL for what
    // it has left, and zombies are reaped.
    void sweep(const Running& running);

    // A process was started. While any runs, what it has left and has ended is reaped now and then.
    void started();

    // When to sweep again.
    std::optional<Clock::time_point> next_time() const {
        return again_at_ ? again_at_ : routine_at_;
    }
    // Some have ended or were killed, and may have left others: another sweep will find them.
    bool are_expected() const { return again_at_.has_value(); }

  private:
    bool may_be_of(pid_t pid, const Running& running);

    AdoptedChildren children_;
    std::map<pid_t, std::uint64_t> seen_;  // of cleared environment: the youngest that ran then
    std::optional<Clock::time_point> again_at_;
    std::optional<Clock::time_point> routine_at_;
};

}  // namespace drainpipe
