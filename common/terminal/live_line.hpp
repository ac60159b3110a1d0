#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "terminal.hpp"

namespace drainpipe {

// A line that is redrawn in place below all else that a terminal shows; nothing where the
// descriptor is none. It is gone before any other line is printed: clear() it first.
class LiveLine {
  public:
    using Clock = std::chrono::steady_clock;

    // Between two redraws at least.
    static constexpr std::chrono::milliseconds kInterval{100};

    explicit LiveLine(const Terminal& terminal) : terminal_(terminal) {}
    ~LiveLine() { clear(); }
    LiveLine(const LiveLine&) = delete;
    LiveLine& operator=(const LiveLine&) = delete;

    // Whether show() would draw now.
    bool is_due() const;
    // How wide a line may be.
    std::size_t columns() const;

    // Draws it, cut at the right edge, unless it is too soon. A terminal that takes nothing now
    // gets nothing.
    void show(std::string_view text);
    void clear();

  private:
    const Terminal& terminal_;
    bool is_shown_ = false;
    Clock::time_point next_{};
};

}  // namespace drainpipe
