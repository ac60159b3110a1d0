#include "supervision.hpp"

#include <atomic>

namespace drainpipe {
namespace {

// A reader that is overtaken so often has found a writer that never rests: there is none such.
constexpr int kMaxReads = 100;

constexpr unsigned kPidShift = 32;
constexpr unsigned kRestartsShift = 8;
constexpr std::uint32_t kRestartsMask = 0xffffff;
constexpr std::uint64_t kTimeBit = 0x80;
constexpr std::uint64_t kStateMask = 0x7f;

}  // namespace

ChildRecord::Content ChildRecord::read() const {
    for (int reads = 1;; ++reads) {
        const std::uint64_t process = process_.load();
        const Content content{
            .pid = static_cast<std::int32_t>(process >> kPidShift),
            .state = static_cast<ChildState>(process & kStateMask),
            .started_at = started_at_[(process & kTimeBit) != 0 ? 1 : 0],
            .restarts = static_cast<std::uint32_t>(process >> kRestartsShift) & kRestartsMask};
        std::atomic_thread_fence(std::memory_order_acquire);
        if (process_.load() == process || reads == kMaxReads) {
            return content;
        }
    }
}

void ChildRecord::write(const Content& content) {
    const Content before = read();
    if (content == before) {
        return;
    }
    std::uint64_t time_bit = process_.load() & kTimeBit;
    if (content.started_at != before.started_at) {
        time_bit ^= kTimeBit;
        // Who reads this time finds that the word has moved on since it pointed here.
        std::atomic_thread_fence(std::memory_order_release);
        started_at_[time_bit != 0 ? 1 : 0] = content.started_at;
    }
    const std::uint64_t pid = static_cast<std::uint32_t>(content.pid);
    const std::uint64_t restarts = content.restarts & kRestartsMask;
    process_.store(pid << kPidShift | restarts << kRestartsShift | time_bit |
                   static_cast<std::uint64_t>(content.state));
}

const char* to_text(StopReason reason) {
    constexpr std::array<const char*, kStopReasons> kTexts{
        "none",          "SIGTERM", "SIGINT",          "SIGQUIT",     "end-of-file",
        "end-of-source", "failure", "segment-removed", "lock-removed"};
    const auto index = static_cast<std::size_t>(reason);
    return index < kTexts.size() ? kTexts[index] : "unknown";
}

}  // namespace drainpipe
