#pragma once

#include <chrono>
#include <deque>
#include <optional>

namespace drainpipe {

// When a child that died is started again. Pure: it is told the time.
class RestartPolicy {
  public:
    using Clock = std::chrono::steady_clock;

    static constexpr std::size_t kMaxDeaths = 5;
    static constexpr std::chrono::seconds kWindow{10};
    static constexpr std::chrono::milliseconds kStep{50};

    // Notes a death. Returns when to start the child again: at once after a first death, a step
    // later for each other one in the window; nothing when it died too often.
    std::optional<Clock::time_point> died(Clock::time_point now);

    // So much time does not count: nothing ran in it.
    void leave_out(Clock::duration time);

  private:
    std::deque<Clock::time_point> deaths_;  // within the window
};

}  // namespace drainpipe
