#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace drainpipe {

// Tells when the ring has been full for long without an event being committed, so that it can be
// said who holds it up. Pure: it is told the time.
class Stall {
  public:
    using Clock = std::chrono::steady_clock;

    static constexpr std::chrono::seconds kTimeout{1};
    static constexpr std::chrono::seconds kBetween{10};  // each time that it is said

    // To be called again and again while the ring is full. Returns for how long events before
    // `head` were all that was committed, when it is time to say so.
    std::optional<Clock::duration> look(std::uint64_t head, Clock::time_point now);

    // There is room.
    void end() { since_.reset(); }

  private:
    std::uint64_t head_ = 0;
    std::optional<Clock::time_point> since_;
    Clock::time_point say_at_;
};

}  // namespace drainpipe
