#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "word.hpp"

namespace drainpipe {

// How many events may be begun, so that all consumers together begin no more than the rate: they
// share the time before which the next one is not begun. After a pause a few may be begun at once,
// what comes in kBurst.
class BeginRate {
  public:
    using Clock = std::chrono::steady_clock;

    static constexpr std::chrono::milliseconds kBurst{10};

    // An interval of 0 is no limit. The word outlives this object.
    BeginRate(Word<std::int64_t>& next, std::chrono::nanoseconds interval)
        : next_(next), interval_(interval.count()) {}

    bool is_limited() const { return interval_ > 0; }

    // Takes the right to begin up to so many events now; how many.
    std::uint64_t take(std::uint64_t wanted, Clock::time_point now) {
        const std::int64_t now_ns = now.time_since_epoch() / std::chrono::nanoseconds(1);
        std::int64_t next = next_.load();
        while (true) {
            const std::int64_t from =
                std::max(next, now_ns - std::chrono::nanoseconds(kBurst).count());
            const std::int64_t due = from > now_ns ? 0 : (now_ns - from) / interval_ + 1;
            const auto taken = std::min(
                static_cast<std::int64_t>(std::min<std::uint64_t>(wanted, std::uint64_t{1} << 32)),
                due);
            if (taken == 0 || next_.exchange_if(next, from + taken * interval_)) {
                return static_cast<std::uint64_t>(taken);
            }
        }
    }

    // So many of those taken were not begun.
    void give_back(std::uint64_t events) {
        if (events > 0) {
            next_.add(-static_cast<std::int64_t>(events) * interval_);
        }
    }

    // When the next one may be begun.
    Clock::time_point next_time() const {
        return Clock::time_point(std::chrono::nanoseconds(next_.load()));
    }

    // From now on nothing is held back.
    void lift() { interval_ = 0; }

  private:
    Word<std::int64_t>& next_;
    std::int64_t interval_;
};

}  // namespace drainpipe
