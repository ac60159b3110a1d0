#include "poll.hpp"

#include <algorithm>
#include <cstdint>

namespace drainpipe {

int milliseconds_until(std::chrono::steady_clock::time_point then) noexcept {
    using namespace std::chrono;
    const auto left = ceil<milliseconds>(then - steady_clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60000));
}

}  // namespace drainpipe
