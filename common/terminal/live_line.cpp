#include "live_line.hpp"

#include <algorithm>

#include "descriptor.hpp"
#include "terminal_line.hpp"

namespace drainpipe {

std::size_t LiveLine::columns() const {
    return std::max<std::size_t>(terminal_.size().columns, 2) - 1;  // no terminal wraps so
}

std::string LiveLine::erasing() const {
    // A terminal that was made narrower has broken the line: its last part is where the cursor is.
    const std::size_t rows = shown_columns_ > 0 ? (shown_columns_ - 1) / (columns() + 1) : 0;
    return rows == 0 ? std::string(kClearLine) : "\r\033[" + std::to_string(rows) + "A\033[J";
}

void LiveLine::show(std::string_view text) {
    if (!is_due()) {
        return;
    }
    const std::string_view shown = text.substr(0, columns());
    write_if_ready(terminal_.fd(), erasing().append(shown));
    next_ = Clock::now() + kInterval;
    shown_columns_ = shown.size();
}

void LiveLine::clear() {
    if (shown_columns_ > 0) {
        write_if_ready(terminal_.fd(), erasing());
        shown_columns_ = 0;
        next_ = {};
    }
}

}  // namespace drainpipe
