#include "stall.hpp"

namespace drainpipe {

std::optional<Stall::Clock::duration> Stall::look(std::uint64_t head, Clock::time_point now) {
    if (!since_ || head_ != head) {
        head_ = head;
        since_ = now;
        say_at_ = now + kTimeout;
        return std::nullopt;
    }
    if (now < say_at_) {
        return std::nullopt;
    }
    say_at_ = now + kBetween;
    return now - *since_;
}

}  // namespace drainpipe
