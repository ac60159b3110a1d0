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

    // Stores the value where it is `expected`, which else becomes what it is.
    bool exchange_if(T& expected, T value, FaultPoint point = FaultPoint::here()) noexcept {
        point.reached();
        const bool is_stored =
            value_.compare_exchange_strong(expected, value, std::memory_order_acq_rel);
        point.reached();
        return is_stored;
    }

  private:
    std::atomic<T> value_;
};

// A part of something that becomes visible as a whole, by a Word that is stored after it. It is
// changed like a plain T, by one process at a time, while others may read it: what they get holds
// together only if that Word says so before and after.
template <typename T>
class Part {
  public:
    static_assert(std::atomic<T>::is_always_lock_free, "a lock inside a part could die locked");

    constexpr Part(T value = T{}) noexcept : value_(value) {}
    Part(const Part& other) noexcept : value_(other.get()) {}
    Part& operator=(const Part& other) noexcept {
        *this = other.get();
        return *this;
    }
    Part& operator=(T value) noexcept {
        value_.store(value, std::memory_order_relaxed);
        return *this;
    }
    Part& operator+=(T amount) noexcept { return *this = static_cast<T>(get() + amount); }
    Part& operator-=(T amount) noexcept { return *this = static_cast<T>(get() - amount); }
    void raise_to(T value) noexcept { *this = get() < value ? value : get(); }

    T get() const noexcept { return value_.load(std::memory_order_relaxed); }
    operator T() const noexcept { return get(); }

  private:
    std::atomic<T> value_;
};

}  // namespace drainpipe
