#pragma once

// The dead children of a pipeline's processes: each is reaped in good time.

#include <sys/types.h>

#include <chrono>
#include <map>

#include "census.hpp"

namespace soak {

class ZombieWatch {
  public:
    using Clock = std::chrono::steady_clock;

    explicit ZombieWatch(const Census& census) : census_(census) {}

    // The clock stands still: who would reap them may be stopped.
    void suspend() { since_.clear(); }
    // Looks now and then. Throws Fault when one is there for too long.
    void look_after();

  private:
    const Census& census_;
    std::map<pid_t, Clock::time_point> since_;
    Clock::time_point next_look_{};
};

}  // namespace soak
