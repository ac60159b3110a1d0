#pragma once

#include <pthread.h>

namespace drainpipe {

// The lock of a ring in shared memory, for std::lock_guard.
//
// A process that dies with it leaves it free: the next one takes it over and goes on. There is
// nothing to repair then, because what the lock guards changes by single stores (see Word).
// boost's interprocess_mutex would hang here for ever.
class RobustLock {
  public:
    // Requires a process-shared robust mutex that outlives this object.
    explicit RobustLock(pthread_mutex_t& mutex) noexcept : mutex_(&mutex) {}

    // Throws std::system_error if the mutex is unusable, which only foreign writes can cause.
    void lock();
    void unlock() noexcept;

  private:
    pthread_mutex_t* mutex_;
};

}  // namespace drainpipe
