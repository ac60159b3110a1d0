#pragma once

// The processes that the round has stopped with SIGSTOP and has to wake again.

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "story.hpp"

namespace soak {

class Sleepers {
  public:
    using Clock = std::chrono::steady_clock;

    explicit Sleepers(Story& story) : story_(story) {}

    void halt(pid_t pid, const std::string& role, Clock::duration duration);
    // Wakes those whose time has come, forgets the dead, and notes the time for those who sleep.
    void look_after();
    void wake_all();

    [[nodiscard]] bool has(pid_t pid) const;
    [[nodiscard]] bool is_empty() const { return sleepers_.empty(); }
    // When somebody last slept.
    [[nodiscard]] Clock::time_point last_slept() const { return last_slept_; }

  private:
    struct Sleeper {
        pid_t pid;
        std::string role;
        Clock::time_point wake_at;
    };
    void wake(const Sleeper& sleeper);

    Story& story_;
    std::vector<Sleeper> sleepers_;
    Clock::time_point last_slept_{};
};

}  // namespace soak
