#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace drainpipe {

// Wakes waiters in other processes: an event count, as lock-free structures use it.
//
// The order that makes it sure: a notifier changes the state first and notifies then; a waiter
// prepares (notes the count and announces itself), looks at the state, and waits only then. Built
// on a shared futex, which a waiter killed in its sleep leaves usable; a notifier killed between
// its change and its notification costs the waiters at most kBackstop.
class EventCount {
  public:
    static constexpr std::chrono::milliseconds kBackstop{100};

    // Sets it to zero. Requires that no process uses it.
    void make() noexcept;

    // Announces a sleeper. The caller must look at the state after this, and call wait() only if
    // there is nothing for it.
    std::uint32_t prepare_wait() noexcept;

    // Sleeps until a notification after the prepare_wait() that returned `noted`, for so long at
    // most, which is no more than kBackstop. May return early; the caller looks at the state again.
    // Where there is a second processor it spins first, for about as long as falling asleep and
    // being woken takes.
    void wait(std::uint32_t noted, std::chrono::nanoseconds most = kBackstop) noexcept;

    // Wakes all sleepers if there are any; costs a fence and a load if not, and no system call
    // while they only look.
    void notify() noexcept;

    // Wakes all sleepers whether they have announced themselves or not. Safe in a signal handler.
    void notify_always() noexcept;

  private:
    // Bits of waiters_: a waiter has prepared, a waiter is asleep or about to be.
    static constexpr std::uint32_t kAnnounced = 1;
    static constexpr std::uint32_t kAsleep = 2;

    bool is_notified_soon(std::uint32_t noted) const noexcept;
    // Counts a notification; returns the bits of those who announced themselves before it counted.
    std::uint32_t count_notification() noexcept;
    void wake_all() noexcept;

    std::atomic<std::uint32_t> notifications_;
    std::atomic<std::uint32_t> waiters_;
};

}  // namespace drainpipe
