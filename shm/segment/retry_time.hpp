#pragma once

#include <chrono>
#include <cstdint>

namespace drainpipe {

// When an event is to be tried again, as it lies in the segment: milliseconds of the monotonic
// clock, the last 32 bits of them, so that a time is exact for 24 days around now. Even, and never
// 0, which stands for none; kTriedInDrain besides where it has had its one more try in the drain
// and is for the next run.
inline constexpr std::uint32_t kTriedInDrain = 1;

inline std::uint32_t to_retry_time(std::chrono::steady_clock::time_point at) {
    const auto milliseconds =
        std::chrono::ceil<std::chrono::milliseconds>(at.time_since_epoch()).count();
    const auto time = static_cast<std::uint32_t>(milliseconds + 1) & ~kTriedInDrain;
    return time != 0 ? time : 2;
}

// Requires a time that is not 0.
inline std::chrono::steady_clock::time_point from_retry_time(
    std::uint32_t time, std::chrono::steady_clock::time_point now) {
    const auto until = static_cast<std::int32_t>((time & ~kTriedInDrain) - to_retry_time(now));
    return now + std::chrono::milliseconds(until);
}

inline bool was_tried_in_drain(std::uint32_t time) { return (time & kTriedInDrain) != 0; }

}  // namespace drainpipe
