#include "console.hpp"

#include <unistd.h>

#include "descriptor.hpp"
#include "escape.hpp"
#include "terminal_line.hpp"

namespace drainpipe {
namespace {

constexpr const char* kYellow = "\033[33m";
constexpr const char* kPlain = "\033[0m";

}  // namespace

Console::Console(const Options& options)
    : terminal_(STDERR_FILENO, options.colour),
      is_quiet_(options.is_quiet),
      has_live_line_(terminal_.can_redraw() && !options.is_quiet),
      live_line_(terminal_) {
    if (has_live_line_) {
        announce_live_line(STDERR_FILENO);
    }
}

void Console::say(const std::string& line) {
    if (!is_quiet_) {
        print(line, false);
    }
}

void Console::say(const std::vector<std::string>& paragraph, const std::string& line) {
    if (!terminal_.can_redraw()) {
        say(line);
    } else if (!is_quiet_) {
        std::string text = "launcher: ";
        for (const std::string& each : paragraph) {
            text += escaped(each) + "\n";
        }
        live_line_.clear();
        write_if_ready(STDERR_FILENO, text);
    }
}

void Console::warn(const std::string& line) {
    if (!is_quiet_) {
        print(line, true);
    }
}

void Console::error(const std::string& line) { print(line, true); }

void Console::conclude(const std::string& line) { print(line, false); }

void Console::print(const std::string& line, bool is_coloured) {
    live_line_.clear();
    const bool has_colour = is_coloured && terminal_.has_colour();
    write_if_ready(STDERR_FILENO, "launcher: " + std::string(has_colour ? kYellow : "") +
                                      escaped(line) + (has_colour ? kPlain : "") + "\n");
}

std::chrono::milliseconds Console::progress_interval() const {
    return has_live_line_ ? LiveLine::kInterval : std::chrono::milliseconds(1000);
}

}  // namespace drainpipe
