#pragma once

#include <pthread.h>

#include "segment.hpp"

namespace drainpipe {

// A lock in shared memory that survives its holder: the next process takes it over, and is told.
// boost's interprocess_mutex would hang here for ever.
class RobustLock {
  public:
    // Requires a process-shared robust mutex that outlives this object.
    explicit RobustLock(pthread_mutex_t& mutex) noexcept : mutex_(&mutex) {}

    // Has the lock's line on its way while its caller still does something else.
    void fetch() const noexcept { __builtin_prefetch(mutex_, 1); }

    enum class Found { free, dead_holder };

    // Throws std::system_error if the mutex is unusable, which only foreign writes can cause. A
    // process that dies before it unlocks leaves a dead holder again.
    Found lock();
    void unlock() noexcept;

  private:
    pthread_mutex_t* mutex_;
};

// The ring's lock, for std::lock_guard. The process that takes it over from a dead one first takes
// back the states that the dead one had set for a change of the ledger that never was published.
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
