#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace drainpipe {

// How many events a consumer takes in hand at a time: what it does in about kTime, for what it has
// in hand no other one can do. Begins with one, and grows by a factor of kGrowth at most from one
// time to the next. Pure: it is told the time.
class HandSize {
  public:
    static constexpr std::chrono::milliseconds kTime{2};
    static constexpr std::uint64_t kGrowth = 4;

    std::uint64_t events() const { return events_; }

    // The work on so many events, at least one, took so long.
    void took(std::uint64_t events, std::chrono::nanoseconds time) {
        const std::uint64_t each = static_cast<std::uint64_t>(time.count()) / events;
        const std::uint64_t fitting = kTimeInNanoseconds / (each + 1);
        events_ = std::clamp<std::uint64_t>(fitting, 1, kGrowth * std::min(events_, kMax));
    }

  private:
    static constexpr std::uint64_t kTimeInNanoseconds = std::chrono::nanoseconds(kTime).count();
    static constexpr std::uint64_t kMax = std::uint64_t{1} << 32;

    std::uint64_t events_ = 1;
};

}  // namespace drainpipe
