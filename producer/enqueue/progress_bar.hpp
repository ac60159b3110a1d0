#pragma once

#include <chrono>
#include <cstdint>

namespace drainpipe {

// Shows on standard error how far an enqueue is, where that is a terminal; else it shows nothing.
class ProgressBar {
  public:
    // `total` is 0 when that is not known.
    explicit ProgressBar(std::uint64_t total);
    ~ProgressBar();
    ProgressBar(const ProgressBar&) = delete;
    ProgressBar& operator=(const ProgressBar&) = delete;

    void show(std::uint64_t done);

  private:
    std::uint64_t total_;
    bool is_on_;
    bool has_shown_ = false;
    std::chrono::steady_clock::time_point next_;
};

}  // namespace drainpipe
