#include "console.hpp"

#include <unistd.h>

#include <cstdlib>

#include "descriptor.hpp"
#include "escape.hpp"

namespace drainpipe {

Console::Console() : is_terminal_(::isatty(STDERR_FILENO) == 1), has_colour_(false) {
    const char* const no_colour = std::getenv("NO_COLOR");
    has_colour_ = is_terminal_ && !(no_colour && *no_colour);
}

void Console::say(const std::string& line) {
    clear_progress();
    write_if_ready(STDERR_FILENO, "launcher: " + escaped(line) + "\n");
}

void Console::warn(const std::string& line) {
    clear_progress();
    write_if_ready(STDERR_FILENO, has_colour_ ? "launcher: \033[33m" + escaped(line) + "\033[0m\n"
                                              : "launcher: " + escaped(line) + "\n");
}

void Console::show_progress(const std::string& line) {
    if (is_terminal_) {
        write_if_ready(STDERR_FILENO, "\r\033[Klauncher: " + line);
        shows_progress_ = true;
    } else {
        say(line);
    }
}

std::chrono::milliseconds Console::progress_interval() const {
    return std::chrono::milliseconds(is_terminal_ ? 100 : 1000);
}

void Console::clear_progress() {
    if (shows_progress_) {
        write_if_ready(STDERR_FILENO, "\r\033[K");
        shows_progress_ = false;
    }
}

}  // namespace drainpipe
