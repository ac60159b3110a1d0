#include "large_turn.hpp"

#include <algorithm>

namespace drainpipe {

Client* LargeTurn::after_read(Client& client, Clock::time_point now) {
    if (holder_ == &client) {
        if (!client.is_large()) {
            return pass_on(now);
        }
        if (client.unfinished_bytes() - bytes_ >= kMinBytes) {
            give_to(client, now);
        }
    } else if (client.is_large() && !holder_) {
        give_to(client, now);
    } else if (client.is_large()) {
        if (waiting_.empty()) {
            give_to(*holder_, now);  // it had all the time it wanted so far
        }
        client.hold(true);
        waiting_.push_back(&client);
    }
    return nullptr;
}

void LargeTurn::give_to(Client& client, Clock::time_point now) {
    holder_ = &client;
    since_ = now;
    bytes_ = client.unfinished_bytes();
}

Client* LargeTurn::forget(const Client& client, Clock::time_point now) {
    waiting_.erase(std::remove(waiting_.begin(), waiting_.end(), &client), waiting_.end());
    return holder_ == &client ? pass_on(now) : nullptr;
}

Client* LargeTurn::pass_on(Clock::time_point now) {
    holder_ = nullptr;
    if (waiting_.empty()) {
        return nullptr;
    }
    give_to(*waiting_.front(), now);
    waiting_.pop_front();
    holder_->hold(false);
    return holder_;
}

}  // namespace drainpipe
