#pragma once

#include <atomic>
#include <cstdint>

#include "fault_point.hpp"

namespace drainpipe {

// A word of shared state that changes by one store.
//
// Every word in the segment that a process may find half-way through another's work is a Word: what
// it covers is in place before store() and visible after it. A process killed before the store has
// changed nothing, one killed after it has changed everything.
template <typename T>
class Word {
  public:
    static_assert(std::atomic<T>::is_always_lock_free, "a lock inside a word could die locked");

    // Sees everything that was in place when the value was stored.
    T load() const noexcept { return value_.load(std::memory_order_acquire); }

    void store(T value, FaultPoint point = FaultPoint::here()) noexcept {
        point.reached();
        value_.store(value, std::memory_order_release);
        point.reached();
    }

    // For counts that several processes add to.
    void add(T amount, FaultPoint point = FaultPoint::here()) noexcept {
        point.reached();
        value_.fetch_add(amount, std::memory_order_acq_rel);
        point.reached();
    }

  private:
    std::atomic<T> value_;
};

}  // namespace drainpipe
