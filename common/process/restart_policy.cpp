#include "restart_policy.hpp"

namespace drainpipe {

std::optional<RestartPolicy::Clock::time_point> RestartPolicy::died(Clock::time_point now) {
    deaths_.push_back(now);
    while (now - deaths_.front() > kWindow) {
        deaths_.pop_front();
    }
    if (deaths_.size() > kMaxDeaths) {
        return std::nullopt;
    }
    return now + kStep * (deaths_.size() - 1);
}

void RestartPolicy::leave_out(Clock::duration time) {
    for (Clock::time_point& death : deaths_) {
        death += time;
    }
}

}  // namespace drainpipe
