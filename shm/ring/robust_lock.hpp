#pragma once

#include <pthread.h>

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

}  // namespace drainpipe
