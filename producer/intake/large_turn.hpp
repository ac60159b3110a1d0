#pragma once

#include <chrono>
#include <deque>

#include "client.hpp"

namespace drainpipe {

// Lets one client at a time have an unfinished payload that is large, so that any number of clients
// needs little more room than one. The others are held, in order, until the turn is theirs; a
// client that has the turn and sends nothing while others wait loses it.
class LargeTurn {
  public:
    using Clock = std::chrono::steady_clock;

    static constexpr std::chrono::seconds kPatience{5};

    // To be called after each read of a client. Returns the client that is let go by it, if any.
    Client* after_read(Client& client, Clock::time_point now);

    // The client is gone. Returns the client that is let go by it, if any.
    Client* forget(const Client& client, Clock::time_point now);

    bool has_waiting() const { return !waiting_.empty(); }

    // When the client that has the turn loses it, if it sends nothing. Requires has_waiting().
    Clock::time_point deadline() const { return last_read_ + kPatience; }
    Client* holder() const { return holder_; }

  private:
    Client* pass_on(Clock::time_point now);

    Client* holder_ = nullptr;
    Clock::time_point last_read_;
    std::deque<Client*> waiting_;
};

}  // namespace drainpipe
