#pragma once

#include "robust_lock.hpp"
#include "segment.hpp"

namespace drainpipe {

// The ring's lock, for std::lock_guard. Whoever takes it over from a dead process first takes back
// the states that the dead one had set for a change of the ledger that never was published.
class RingLock {
  public:
    explicit RingLock(const Segment& segment) : segment_(segment), lock_(segment.header().lock) {}

    void fetch() const noexcept { lock_.fetch(); }
    void lock() {
        if (lock_.lock() == RobustLock::Found::dead_holder) {
            take_back_given();
        }
    }
    void unlock() noexcept { lock_.unlock(); }

  private:
    void take_back_given() const;

    const Segment& segment_;
    RobustLock lock_;
};

}  // namespace drainpipe
