#include "terminal_line.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "descriptor.hpp"

namespace drainpipe {
namespace {

constexpr const char* kVariable = "DRAINPIPE_LIVE_LINE";

// The device's number; empty for what is no terminal.
std::string terminal_at(int fd) {
    struct stat info {};
    const bool is_terminal = ::isatty(fd) == 1 && ::fstat(fd, &info) == 0;
    return is_terminal ? std::to_string(info.st_rdev) : "";
}

}  // namespace

void announce_live_line(int fd) { ::setenv(kVariable, terminal_at(fd).c_str(), 1); }

std::string_view before_line(int fd) {
    const char* const drawn_on = std::getenv(kVariable);
    return drawn_on && *drawn_on && terminal_at(fd) == drawn_on ? kClearLine : "";
}

void write_error_line(std::string_view line) {
    write_if_ready(STDERR_FILENO, std::string(before_line(STDERR_FILENO)).append(line));
}

}  // namespace drainpipe
