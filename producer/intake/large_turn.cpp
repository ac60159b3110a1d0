#include "large_turn.hpp"

#include <algorithm>

namespace drainpipe {

Client* LargeTurn::after_read(Client& client, Clock::time_point now) {
    if (holder_ == &client) {
        last_read_ = now;
        return client.is_large() ? nullptr : pass_on(now);
    }
    if (client.is_large() && !holder_) {
        holder_ = &client;
        last_read_ = now;
    } else if (client.is_large()) {
        client.hold(true);
        waiting_.push_back(&client);
    }
    return nullptr;
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
    holder_ = waiting_.front();
    waiting_.pop_front();
    last_read_ = now;
    holder_->hold(false);
    return holder_;
}

}  // namespace drainpipe
