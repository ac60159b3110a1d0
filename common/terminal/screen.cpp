#include "screen.hpp"

#include <unistd.h>

#include <algorithm>

#include "descriptor.hpp"
#include "terminal.hpp"

namespace drainpipe {
namespace {

// Of ECMA-48 and xterm.
constexpr const char* kEnter = "\033[?1049h\033[?25l";  // the other screen, without a cursor
constexpr const char* kLeave = "\033[?25h\033[?1049l";
constexpr const char* kHome = "\033[H";
constexpr const char* kClearLine = "\033[K";
constexpr const char* kClearBelow = "\033[J";

}  // namespace

Screen::Screen(int fd) : fd_(fd), has_modes_(::tcgetattr(STDIN_FILENO, &before_) == 0) {
    if (has_modes_) {
        termios modes = before_;
        modes.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
        ::tcsetattr(STDIN_FILENO, TCSADRAIN, &modes);
    }
    write_all(fd_, kEnter);
}

Screen::~Screen() {
    write_all(fd_, kLeave);
    if (has_modes_) {
        ::tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
    }
}

void Screen::show(const std::vector<std::string>& lines) const {
    const Terminal::Size size = Terminal(fd_).size();
    const std::size_t shown = lines.size() <= size.rows ? lines.size() : size.rows - 1;
    std::string text = kHome;
    for (std::size_t line = 0; line < shown; ++line) {
        text += (line > 0 ? "\r\n" : "") + lines[line].substr(0, size.columns) + kClearLine;
    }
    if (shown < lines.size()) {
        const std::string more = "... and " + std::to_string(lines.size() - shown) + " lines more";
        text += "\r\n" + more.substr(0, size.columns) + kClearLine;
    }
    write_all(fd_, text + kClearBelow);
}

}  // namespace drainpipe
