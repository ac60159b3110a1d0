#include "event_count.hpp"

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

void EventCount::make() noexcept {
    FaultPoint::here().reached();
    notifications_.store(0, std::memory_order_relaxed);
    FaultPoint::here().reached();
    waiters_.store(0, std::memory_order_relaxed);
    FaultPoint::here().reached();
}

std::uint32_t EventCount::prepare_wait() noexcept {
    const std::uint32_t noted = notifications_.load(std::memory_order_acquire);
    FaultPoint::here().reached();
    waiters_.fetch_or(kAnnounced, std::memory_order_seq_cst);
    FaultPoint::here().reached();
    std::atomic_thread_fence(std::memory_order_seq_cst);
    return noted;
}

bool EventCount::is_notified_soon(std::uint32_t noted) const noexcept {
    static const bool has_company = std::thread::hardware_concurrency() > 1;
    for (int look = 0; has_company && look < kLooks; ++look) {
        if (notifications_.load(std::memory_order_acquire) != noted) {
            return true;
        }
        pause_processor();
    }
    return false;
}

void EventCount::wait(std::uint32_t noted, std::chrono::nanoseconds most) noexcept {
    if (is_notified_soon(noted)) {
        return;
    }
    FaultPoint::here().reached();
    waiters_.fetch_or(kAsleep, std::memory_order_seq_cst);
    FaultPoint::here().reached();
    const timespec limit{0, most.count()};
    ::syscall(SYS_futex, &notifications_, FUTEX_WAIT, noted, &limit, nullptr, 0);
}

void EventCount::notify() noexcept {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (waiters_.load(std::memory_order_relaxed) != 0) {
        // One that falls asleep after the second look finds that the notification has counted.
        const std::uint32_t before = count_notification();
        if (((before | waiters_.load(std::memory_order_seq_cst)) & kAsleep) != 0) {
            wake_all();
        }
    }
}

void EventCount::notify_always() noexcept {
    count_notification();
    wake_all();
}

std::uint32_t EventCount::count_notification() noexcept {
    // Cleared before the notification counts: a sleeper that announces itself in between either
    // sees the new count and does not sleep, or had the old one noted and is woken. A sleeper that
    // was killed costs one notification in vain, not one for ever.
    FaultPoint::here().reached();
    const std::uint32_t before = waiters_.exchange(0, std::memory_order_seq_cst);
    FaultPoint::here().reached();
    notifications_.fetch_add(1, std::memory_order_seq_cst);
    FaultPoint::here().reached();
    return before;
}

void EventCount::wake_all() noexcept {
    ::syscall(SYS_futex, &notifications_, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
    FaultPoint::here().reached();
}

}  // namespace drainpipe
