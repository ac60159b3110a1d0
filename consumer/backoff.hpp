#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>

namespace drainpipe {

// How long to wait before an event is tried again: `first` after the first attempt, doubled after
// each that follows, `max` at most; each pause is drawn between half of that and all of it, so that
// events that failed together do not come back together.
class Backoff {
  public:
    using Duration = std::chrono::steady_clock::duration;

    Backoff(Duration first, Duration max, std::uint64_t seed)
        : first_(first), max_(max), random_(seed) {}

    // After the attempt of that number, from 1.
    Duration pause(std::uint32_t attempt) {
        Duration whole = std::min(first_, max_);
        for (std::uint32_t doubled = 1; doubled < attempt && whole < max_ && whole.count() > 0;
             ++doubled) {
            whole = std::min(2 * whole, max_);
        }
        return Duration(std::uniform_int_distribution<Duration::rep>(whole.count() / 2,
                                                                     whole.count())(random_));
    }

  private:
    Duration first_;
    Duration max_;
    std::mt19937_64 random_;
};

}  // namespace drainpipe
