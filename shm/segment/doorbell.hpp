#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace drainpipe {

// Wakes sleepers in other processes.
//
// The order that makes it sure: whoever changes the state changes it first and rings then; whoever
// waits prepares (notes the bell and says so), looks at the state, and sleeps only then. Built on a
// shared futex, which a sleeper killed in its sleep leaves usable; a ringer killed between its
// change and its ring costs its sleepers at most kBackstop.
class Doorbell {
  public:
    static constexpr std::chrono::milliseconds kBackstop{100};

    // Empties the bell. Requires that no process uses it.
    void make() noexcept;

    // Announces a sleeper. The caller must look at the state after this, and call sleep() only if
    // there is nothing for it.
    std::uint32_t prepare() noexcept;

    // Sleeps until a ring after the prepare() that returned `noted`, for kBackstop at most. May
    // return early; the caller looks at the state again. Where there is a second processor it
    // looks for the ring first, for about as long as falling asleep and being woken takes.
    void sleep(std::uint32_t noted) noexcept;

    // Wakes all sleepers if there are any; costs a fence and a load if not, and no system call
    // while they only look.
    void ring() noexcept;

    // Wakes all sleepers whether they have announced themselves or not. Safe in a signal handler.
    void ring_always() noexcept;

  private:
    // Bits of awaited_: somebody has prepared, somebody is asleep or about to be.
    static constexpr std::uint32_t kAnnounced = 1;
    static constexpr std::uint32_t kAsleep = 2;

    bool is_rung_soon(std::uint32_t noted) const noexcept;
    // Counts a ring; returns the bits of those who announced themselves before it counted.
    std::uint32_t count_ring() noexcept;
    void wake_all() noexcept;

    std::atomic<std::uint32_t> rings_;
    std::atomic<std::uint32_t> awaited_;
};

}  // namespace drainpipe
