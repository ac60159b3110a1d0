#include "doorbell.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <ctime>
#include <thread>

#include "fault_point.hpp"

namespace drainpipe {
namespace {

constexpr int kLooks = 1000;

void pause_processor() noexcept {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

}  // namespace

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
    awaited_.fetch_or(kAnnounced, std::memory_order_seq_cst);
    FaultPoint::here().reached();
    std::atomic_thread_fence(std::memory_order_seq_cst);
    return noted;
}

bool Doorbell::is_rung_soon(std::uint32_t noted) const noexcept {
    static const bool has_company = std::thread::hardware_concurrency() > 1;
    for (int look = 0; has_company && look < kLooks; ++look) {
        if (rings_.load(std::memory_order_acquire) != noted) {
            return true;
        }
        pause_processor();
    }
    return false;
}

void Doorbell::sleep(std::uint32_t noted) noexcept {
    if (is_rung_soon(noted)) {
        return;
    }
    FaultPoint::here().reached();
    awaited_.fetch_or(kAsleep, std::memory_order_seq_cst);
    FaultPoint::here().reached();
    const timespec limit{0, std::chrono::nanoseconds(kBackstop).count()};
    ::syscall(SYS_futex, &rings_, FUTEX_WAIT, noted, &limit, nullptr, 0);
}

void Doorbell::ring() noexcept {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (awaited_.load(std::memory_order_relaxed) != 0) {
        // Who falls asleep behind the second look finds that the ring has counted.
        const std::uint32_t before = count_ring();
        if (((before | awaited_.load(std::memory_order_seq_cst)) & kAsleep) != 0) {
            wake_all();
        }
    }
}

void Doorbell::ring_always() noexcept {
    count_ring();
    wake_all();
}

std::uint32_t Doorbell::count_ring() noexcept {
    // Cleared before the ring counts: a sleeper that announces itself in between either sees the
    // new count and does not sleep, or had the old one noted and is woken. A sleeper that was
    // killed costs one ring in vain, not one for ever.
    FaultPoint::here().reached();
    const std::uint32_t before = awaited_.exchange(0, std::memory_order_seq_cst);
    FaultPoint::here().reached();
    rings_.fetch_add(1, std::memory_order_seq_cst);
    FaultPoint::here().reached();
    return before;
}

void Doorbell::wake_all() noexcept {
    ::syscall(SYS_futex, &rings_, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
    FaultPoint::here().reached();
}

}  // namespace drainpipe
