#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>

#include "event_count.hpp"

namespace drainpipe::test {

// A process that announces itself as a sleeper, and leaves when the state it waits for has come.
class Sleeper {
  public:
    Sleeper(EventCount& event_count, const std::function<bool()>& has_come);
    ~Sleeper();
    Sleeper(const Sleeper&) = delete;
    Sleeper& operator=(const Sleeper&) = delete;

    bool has_left_within(std::chrono::milliseconds limit) const;

  private:
    pid_t pid_;
};

}  // namespace drainpipe::test
