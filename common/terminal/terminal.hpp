#pragma once

#include <cstddef>
#include <optional>

namespace drainpipe {

// When to use colours and to draw in place.
enum class ColorMode {
    automatic,  // on a terminal that can, unless NO_COLOR is set
    always,
    never,
};

// What a descriptor is to a person who looks at it.
class Terminal {
  public:
    struct Size {
        std::size_t columns;
        std::size_t rows;
    };

    explicit Terminal(int fd, ColorMode mode = ColorMode::automatic);

    int fd() const { return fd_; }
    // Whether lines can be redrawn in place: it is a terminal, and not a dumb one.
    bool can_redraw() const { return can_redraw_; }
    bool has_colour() const { return has_colour_; }
    // Whether what is shown now is this program's: a shell may have it in the background. What is
    // not this session's own terminal counts as in front.
    bool is_in_front() const;
    // Now: people resize it.
    Size size() const;

  private:
    int fd_;
    bool can_redraw_;
    bool has_colour_;
};

}  // namespace drainpipe
