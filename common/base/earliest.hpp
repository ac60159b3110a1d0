#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

namespace drainpipe {

// A time that may be none, of several: the earliest.
class Earliest {
  public:
    using Time = std::optional<std::chrono::steady_clock::time_point>;

    void take(Time time) {
        if (time) {
            time_ = std::min(*time, time_.value_or(*time));
        }
    }
    Time time() const { return time_; }

  private:
    Time time_;
};

}  // namespace drainpipe
