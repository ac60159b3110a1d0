#include "screen.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "terminal.hpp"

namespace drainpipe {
namespace {

// Of ECMA-48 and xterm.
constexpr const char* kEnter = "\033[?1049h\033[?25l";  // the other screen, without a cursor
constexpr const char* kLeave = "\033[?25h\033[?1049l";
constexpr const char* kHome = "\033[H";
constexpr const char* kClearToRight = "\033[K";
constexpr const char* kClearBelow = "\033[J";

}  // namespace

// Opened anew: so it does not block, and others who have the terminal are not told that it does.
Screen::Screen(int fd)
    : terminal_(::open(("/proc/self/fd/" + std::to_string(fd)).c_str(),
                       O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)),
      has_modes_(::tcgetattr(STDIN_FILENO, &before_) == 0) {
    if (has_modes_) {
        termios modes = before_;
        modes.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
        ::tcsetattr(STDIN_FILENO, TCSANOW, &modes);
    }
    write(kEnter);
}

Screen::~Screen() {
    write(kLeave);
    if (has_modes_) {
        ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
    }
}

void Screen::write(std::string_view text) const {
    [[maybe_unused]] const ssize_t count = ::write(terminal_.get(), text.data(), text.size());
}

void Screen::show(const std::vector<std::string>& lines) const {
    const Terminal::Size size = Terminal(terminal_.get()).size();
    const std::size_t shown = lines.size() <= size.rows ? lines.size() : size.rows - 1;
    std::string text = kHome;
    for (std::size_t line = 0; line < shown; ++line) {
        text += (line > 0 ? "\r\n" : "") + lines[line].substr(0, size.columns) + kClearToRight;
    }
    if (shown < lines.size() && shown > 0) {
        const std::string more = "... and " + std::to_string(lines.size() - shown) + " lines more";
        text += "\r\n" + more.substr(0, size.columns) + kClearToRight;
    }
    write(text + kClearBelow);
}

}  // namespace drainpipe
