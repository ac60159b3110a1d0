#pragma once

#include <functional>

namespace drainpipe {

// Takes a lock that is held for no longer than a write takes, but by a stopped process: that one is
// not waited for, and once one was met not again, until the lock was to be had.
class TimedLock {
  public:
    enum class Found {
        free,       // and taken
        held,       // waited for, for a moment
        busy,       // waited for as long as it takes
        impossible  // not waited for
    };

    // Calls `try_lock` until it is free, or the time is over; whether it was taken.
    [[nodiscard]] bool take(const std::function<Found()>& try_lock);

  private:
    bool was_in_vain_ = false;
};

}  // namespace drainpipe
