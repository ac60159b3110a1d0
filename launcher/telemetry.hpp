#pragma once

#include <chrono>
#include <cstdint>
#include <span>

#include "log.hpp"
#include "managed_process.hpp"
#include "segment.hpp"

namespace drainpipe {

// Writes into the segment what the launcher knows, for those who look at the pipeline: its
// children, its stop, and each second how many events were taken in and done. Nothing is decided by
// it, and it waits for nobody.
class Telemetry {
  public:
    using Clock = std::chrono::steady_clock;

    // Between two samples: a run that has just begun is short, and its picture is made of few.
    static constexpr std::chrono::milliseconds kFirstInterval{250};
    static constexpr std::chrono::seconds kFirst{10};
    static constexpr std::chrono::seconds kInterval{1};
    // Between two records, after a while.
    static constexpr std::chrono::seconds kRecordInterval{10};
    static constexpr std::chrono::minutes kWhile{10};

    // Begins the run's.
    Telemetry(Segment& segment, Log& log);

    // The producer, then the consumers by number.
    void show(std::span<const ManagedProcess> processes);
    void show_stop(StopReason reason);

    // Takes a sample where it is time for one; now and then a record says the same, where it has
    // changed: a picture of the run is made of those.
    void tick();
    Clock::time_point next_tick() const { return next_tick_; }

  private:
    void record(const Account& account, Clock::time_point now);

    Segment& segment_;
    Log& log_;
    Clock::time_point begun_at_ = Clock::now();
    Clock::time_point next_tick_;
    Clock::time_point next_record_;
    std::uint64_t accepted_ = 0;  // as was recorded last
    std::uint64_t left_ = 0;
};

}  // namespace drainpipe
