#include "live_text.hpp"

#include <algorithm>
#include <vector>

#include "figures.hpp"

namespace drainpipe {
namespace {

// A sixth of the line.
std::string bar_for(double share, std::size_t columns) { return bar_text(share, columns / 6); }

// The first of them, as many as there is room for.
std::string joined(const std::vector<std::string>& pieces, std::size_t columns) {
    constexpr const char* kBetween = "  ";
    std::string text;
    for (const std::string& piece : pieces) {
        const std::size_t width = text.size() + (text.empty() ? 0 : 2) + piece.size();
        if (width > columns) {
            break;
        }
        text += (text.empty() ? "" : kBetween) + piece;
    }
    return text;
}

double done_share(std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? 1 : static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

std::string live_text(const Status& status, std::size_t columns) {
    std::vector<std::string> pieces{
        "done " + grouped(status.done()) + " " + rate_text(status.done_per_second),
        "buffered " + grouped(status.buffered),
        "accepted " + grouped(status.accepted) + " " + rate_text(status.accepted_per_second)};
    if (status.dead > 0) {
        pieces.push_back("dead " + grouped(status.dead));
    }
    if (status.retrying > 0) {
        pieces.push_back("retrying " + grouped(status.retrying));
    }
    pieces.push_back("in flight " + grouped(status.in_flight));
    if (status.left > 0) {
        pieces.push_back("oldest " + time_text(status.oldest_event.count()));
    }
    return joined(pieces, columns);
}

std::string drain_text(const Status& status, std::uint64_t left_at_stop, std::size_t columns) {
    const std::uint64_t all = std::max(left_at_stop, status.left);
    std::vector<std::string> pieces{
        "draining " + bar_for(done_share(all - status.left, all), columns),
        grouped(status.left) + " left"};
    if (status.stop) {
        const auto& to_end = status.stop->seconds_to_end;
        pieces.push_back(rate_text(status.done_per_second));
        pieces.push_back((to_end ? time_text(to_end->count()) : "?") + " to end");
        pieces.push_back(time_text(status.stop->seconds_to_deadline.count()) + " to deadline");
    }
    return joined(pieces, columns);
}

std::string job_text(std::uint64_t done, std::optional<std::uint64_t> total, double per_second,
                     std::size_t columns) {
    if (!total) {
        return joined({"done " + grouped(done), rate_text(per_second)}, columns);
    }
    std::vector<std::string> pieces{bar_for(done_share(done, *total), columns),
                                    grouped(done) + " of " + grouped(*total),
                                    rate_text(per_second)};
    if (per_second > 0) {
        const auto left = static_cast<double>(*total - std::min(*total, done));
        pieces.push_back(time_text(left / per_second) + " to end");
    }
    return joined(pieces, columns);
}

}  // namespace drainpipe
