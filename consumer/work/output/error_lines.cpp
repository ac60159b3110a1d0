#include "error_lines.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>

#include "descriptor.hpp"
#include "terminal_line.hpp"

namespace drainpipe {
namespace {

constexpr int kPatienceInMilliseconds = 1000;

// Whether there is room for a line soon.
bool is_writable(int fd, int milliseconds) {
    pollfd writable{fd, POLLOUT, 0};
    return ::poll(&writable, 1, milliseconds) > 0;
}

}  // namespace

void ErrorLines::add(std::string_view bytes, std::string_view label) {
    kept_.append(bytes.size() > kKept ? bytes.substr(bytes.size() - kKept) : bytes);
    if (kept_.size() > 2 * kKept) {
        kept_.erase(0, kept_.size() - kKept);
    }
    while (!bytes.empty()) {
        const auto newline = bytes.find('\n');
        const std::size_t room = kLongestLine - line_.size();
        const std::size_t count = std::min({newline, bytes.size(), room});
        line_.append(bytes.substr(0, count));
        const bool is_ended = count == newline;
        bytes.remove_prefix(count + (is_ended ? 1 : 0));
        if (is_ended || line_.size() == kLongestLine) {
            put_out(label);
        }
    }
}

void ErrorLines::end(std::string_view label) {
    if (!line_.empty()) {
        put_out(label);
    }
}

std::string_view ErrorLines::last() const {
    const std::string_view all = kept_;
    return all.substr(all.size() - std::min(all.size(), kKept));
}

void ErrorLines::clear() {
    line_.clear();
    kept_.clear();
}

void ErrorLines::put_out(std::string_view label) {
    std::string text;
    text.append(label).append(": ").append(line_).append("\n");
    line_.clear();
    is_stuck_ = !is_writable(STDERR_FILENO, is_stuck_ ? 0 : kPatienceInMilliseconds);
    write_error_line(text);
}

}  // namespace drainpipe
