#include "demand_window.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace drainpipe {

DemandWindow::DemandWindow(std::int64_t max, std::int64_t min)
    : max_(static_cast<std::uint64_t>(max)), min_(static_cast<std::uint64_t>(min)) {
    if (max < 1) {
        throw std::invalid_argument("max demand must be 1 or more, not " + std::to_string(max));
    }
    if (min < 0 || min >= max) {
        throw std::invalid_argument("min demand must be from 0 to " + std::to_string(max - 1) +
                                    ", below max demand, not " + std::to_string(min));
    }
}

std::uint64_t DemandWindow::first_ask(std::uint64_t pending) {
    const std::uint64_t asked = pending < max_ ? max_ - pending : 0;
    pending_ = pending + asked;
    return asked;
}

std::uint64_t DemandWindow::handled(std::uint64_t count) {
    pending_ -= std::min(count, pending_);
    if (pending_ > min_) {
        return 0;
    }
    const std::uint64_t asked = max_ - pending_;
    pending_ = max_;
    return asked;
}

}  // namespace drainpipe
