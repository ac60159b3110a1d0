#include "doorbell.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <ctime>

#include "fault_point.hpp"

namespace drainpipe {

void Doorbell::make() noexcept {
    FaultPoint::here().reached();
    rings_.store(0, std::memory_order_relaxed);
    FaultPoint::here().reached();
    awaited_.store(0, std::memory_order_relaxed);
    FaultPoint::here().reached();
}

std::uint32_t Doorbell::prepare() noexcept {
    const std::uint32_t noted = rings_.load(std::memory_order_acquire);
    FaultPoint::here().reached();
    awaited_.store(1, std::memory_order_seq_cst);
    FaultPoint::here().reached();
    std::atomic_thread_fence(std::memory_order_seq_cst);
    return noted;
}

void Doorbell::sleep(std::uint32_t noted) noexcept {
    const timespec limit{0, std::chrono::nanoseconds(kBackstop).count()};
    ::syscall(SYS_futex, &rings_, FUTEX_WAIT, noted, &limit, nullptr, 0);
}

void Doorbell::ring() noexcept {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (awaited_.load(std::memory_order_relaxed) != 0) {
        ring_always();
    }
}

void Doorbell::ring_always() noexcept {
    // Cleared before the ring counts: a sleeper that announces itself in between either sees the
    // new count and does not sleep, or had the old one noted and is woken. A sleeper that was
    // killed costs one ring in vain, not one for ever.
    FaultPoint::here().reached();
    awaited_.store(0, std::memory_order_seq_cst);
    FaultPoint::here().reached();
    rings_.fetch_add(1, std::memory_order_seq_cst);
    FaultPoint::here().reached();
    ::syscall(SYS_futex, &rings_, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
    FaultPoint::here().reached();
}

}  // namespace drainpipe
