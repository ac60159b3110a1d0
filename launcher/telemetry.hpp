#pragma once

#include <chrono>
#include <span>

#include "managed_process.hpp"
#include "segment.hpp"

namespace drainpipe {

// Writes into the segment what the launcher knows, for those who look at the pipeline: its
// children, its stop, and each second how many events were taken in and done. Nothing is decided by
// it, and it waits for nobody.
class Telemetry {
  public:
    using Clock = std::chrono::steady_clock;

    static constexpr std::chrono::seconds kInterval{1};

    // Begins the run's.
    explicit Telemetry(Segment& segment);

    // The producer, then the consumers by number.
    void show(std::span<const ManagedProcess> processes);
    void show_stop(StopReason reason);

    // Takes a sample where it is time for one.
    void tick();
    Clock::time_point next_tick() const { return next_tick_; }

  private:
    Segment& segment_;
    Clock::time_point next_tick_;
};

}  // namespace drainpipe
