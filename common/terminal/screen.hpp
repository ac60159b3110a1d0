#pragma once

#include <termios.h>

#include <string>
#include <string_view>
#include <vector>

#include "descriptor.hpp"

namespace drainpipe {

// The whole of a terminal, as long as this lives: what was there before is there again afterwards.
// Keys arrive as they are typed, and are not shown.
class Screen {
  public:
    // Requires that `fd` and standard input are terminals.
    explicit Screen(int fd);
    ~Screen();
    Screen(const Screen&) = delete;
    Screen& operator=(const Screen&) = delete;

    // Shows these lines, each cut at the right edge, as many as there is room for; of more it says
    // how many. It may have another size each time.
    void show(const std::vector<std::string>& lines) const;

  private:
    // Or drops it, where the terminal takes nothing now.
    void write(std::string_view text) const;

    Descriptor terminal_;
    termios before_{};
    bool has_modes_;
};

}  // namespace drainpipe
