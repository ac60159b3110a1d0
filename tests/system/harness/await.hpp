#pragma once

// Waiting for what another process does. A test never sleeps in the hope that something has
// happened by then: it names the condition and a limit, and this is the one place that naps in
// between.

#include <chrono>
#include <thread>

namespace harness {

// How long a test waits for what should come soon. Generous: sanitizers and busy machines are
// slow.
inline constexpr std::chrono::milliseconds kTimeout{20'000};

// What takes a machine next to no time takes less than this, however busy it is: a limit that finds
// what hangs or waits for something, and says nothing about speed.
inline constexpr std::chrono::milliseconds kAtOnce{10'000};

// Returns true as soon as `condition()` does, false when it still does not at the limit.
template <typename Condition>
[[nodiscard]] bool await(Condition condition, std::chrono::milliseconds limit = kTimeout) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (!condition()) {
        if (std::chrono::steady_clock::now() >= deadline) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }
    return true;
}

// Lets time pass where the passing of time is the test's input: a random moment, an idle spell.
inline void let_pass(std::chrono::nanoseconds duration) { std::this_thread::sleep_for(duration); }

// Measures from its making, on the monotonic clock.
class Stopwatch {
  public:
    [[nodiscard]] std::chrono::milliseconds elapsed() const {
        return std::chrono::duration_cast<std::chrono::milliseconds>(
            std::chrono::steady_clock::now() - start_);
    }

  private:
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace harness
