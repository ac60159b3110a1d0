#pragma once

#include <cstdint>

#include "live_line.hpp"

namespace drainpipe {

// Shows on standard error how far an enqueue is, where that is a terminal; else it shows nothing.
class ProgressBar {
  public:
    // `total` is 0 when that is not known.
    explicit ProgressBar(std::uint64_t total);

    void show(std::uint64_t done);

  private:
    std::uint64_t total_;
    Terminal terminal_;
    LiveLine line_;
    LiveLine::Clock::time_point begun_at_ = LiveLine::Clock::now();
};

}  // namespace drainpipe
