#pragma once

#include <chrono>

namespace drainpipe {

// What poll() and its like want for a wait until then: milliseconds, rounded up, 0 when it is past,
// at most a minute.
int milliseconds_until(std::chrono::steady_clock::time_point then) noexcept;

}  // namespace drainpipe
