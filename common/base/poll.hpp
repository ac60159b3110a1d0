#pragma once

#include <poll.h>

#include <chrono>
#include <optional>
#include <span>

namespace drainpipe {

// What poll() and its like want for a wait until then: milliseconds, rounded up, 0 when it is past,
// at most a minute.
int milliseconds_until(std::chrono::steady_clock::time_point then) noexcept;

// poll() until then, to the nanosecond; for ever where no time is given.
void poll_until(std::span<pollfd> waits,
                std::optional<std::chrono::steady_clock::time_point> then) noexcept;

}  // namespace drainpipe
