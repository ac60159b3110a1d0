#include "service_status.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "account.hpp"

namespace drainpipe {

std::string service_status(const Segment& segment,
                           std::optional<std::chrono::steady_clock::time_point> stop_deadline) {
    const SegmentFront front = segment.front();
    const Account account = account_of(front.header, front.states);
    const std::string counts = fmt::format("accepted={} done={} dead={} left={}", account.accepted,
                                           account.done(), account.dead, account.left);
    if (!stop_deadline) {
        return counts;
    }
    const std::chrono::duration<double> time_left =
        *stop_deadline - std::chrono::steady_clock::now();
    return fmt::format("stopping: {} time_left={:.1f}s", counts, std::max(time_left.count(), 0.0));
}

}  // namespace drainpipe
