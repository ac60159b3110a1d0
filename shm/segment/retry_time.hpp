#pragma once

#include <chrono>
#include <cstdint>

namespace drainpipe {

// When an event is to be tried again, as it lies in the segment: milliseconds of the monotonic
// clock, the last 32 bits of them, so that a time is exact for 24 days around now. Never 0, which
// stands for none.
inline std::uint32_t to_retry_time(std::chrono::steady_clock::time_point at) {
    const auto milliseconds =
        std::chrono::ceil<std::chrono::milliseconds>(at.time_since_epoch()).count();
    const auto time = static_cast<std::uint32_t>(milliseconds);
    return time != 0 ? time : 1;
}

// Requires a time that is not 0.
inline std::chrono::steady_clock::time_point from_retry_time(
    std::uint32_t time, std::chrono::steady_clock::time_point now) {
    const auto until = static_cast<std::int32_t>(time - to_retry_time(now));
    return now + std::chrono::milliseconds(until);
}

}  // namespace drainpipe
