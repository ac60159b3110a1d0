#include "live_line.hpp"

#include <algorithm>

#include "descriptor.hpp"
#include "terminal_line.hpp"

namespace drainpipe {

// One in the background leaves the terminal to whoever is in front.
bool LiveLine::is_due() const {
    return terminal_.can_redraw() && Clock::now() >= next_ && terminal_.is_in_front();
}

std::size_t LiveLine::columns() const {
    return std::max<std::size_t>(terminal_.size().columns, 2) - 1;  // no terminal wraps so
}

void LiveLine::show(std::string_view text) {
    if (!is_due()) {
        return;
    }
    write_if_ready(terminal_.fd(), std::string(kClearLine).append(text.substr(0, columns())));
    next_ = Clock::now() + kInterval;
    is_shown_ = true;
}

void LiveLine::clear() {
    if (is_shown_) {
        write_if_ready(terminal_.fd(), kClearLine);
        is_shown_ = false;
        next_ = {};
    }
}

}  // namespace drainpipe
