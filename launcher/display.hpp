#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "console.hpp"
#include "gauge.hpp"
#include "options.hpp"

namespace drainpipe {

// How a run goes on, for the person who has started it: on a terminal in words and in a live line,
// elsewhere in the lines that scripts read.
class Display {
  public:
    using Clock = std::chrono::steady_clock;

    // All of them as long as this.
    Display(const Options& options, const Gauge& gauge, Console& console);

    // The pipeline takes events; `ready` is the line that says so.
    void announce(const std::string& ready) const;

    // While it runs. When it is worth a call again is known then.
    void show_running();
    Clock::time_point next_time() const { return next_; }

    // While it drains.
    void show_drain(Clock::time_point deadline);

  private:
    std::vector<std::string> paragraph() const;

    const Options& options_;
    const Gauge& gauge_;
    Console& console_;
    std::string shown_;
    Clock::time_point next_;        // while it runs
    Clock::time_point next_drain_;  // while it drains
    std::optional<std::uint64_t> left_at_stop_;
};

}  // namespace drainpipe
