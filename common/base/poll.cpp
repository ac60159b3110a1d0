#include "poll.hpp"

#include <algorithm>
#include <cstdint>

namespace drainpipe {

int milliseconds_until(std::chrono::steady_clock::time_point then) noexcept {
    using namespace std::chrono;
    const auto left = ceil<milliseconds>(then - steady_clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60000));
}

void poll_until(std::span<pollfd> waits,
                std::optional<std::chrono::steady_clock::time_point> then) noexcept {
    using namespace std::chrono;
    timespec time{};
    if (then) {
        const auto left = std::max(nanoseconds(0), nanoseconds(*then - steady_clock::now()));
        time.tv_sec = duration_cast<seconds>(left).count();
        time.tv_nsec = (left % seconds(1)).count();
    }
    ::ppoll(waits.data(), waits.size(), then ? &time : nullptr, nullptr);
}

}  // namespace drainpipe
