#include "terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace drainpipe {
namespace {

std::string_view environment(const char* name) {
    const char* const value = std::getenv(name);
    return value ? value : "";
}

}  // namespace

// A terminal that says nothing of itself is taken for an ordinary one.
Terminal::Terminal(int fd, ColorMode mode)
    : fd_(fd),
      can_redraw_(::isatty(fd) == 1 && environment("TERM") != "dumb"),
      has_colour_(mode == ColorMode::always || (mode == ColorMode::automatic && can_redraw_ &&
                                                environment("NO_COLOR").empty())) {}

bool Terminal::is_in_front() const {
    const pid_t group = ::tcgetpgrp(fd_);
    return group < 0 || group == ::getpgrp();
}

Terminal::Size Terminal::size() const {
    constexpr Size kUsual{80, 24};
    winsize size{};
    if (::ioctl(fd_, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) {
        return kUsual;
    }
    return {size.ws_col, size.ws_row};
}

}  // namespace drainpipe
