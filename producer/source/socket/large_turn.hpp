#pragma once

#include <chrono>
#include <deque>

#include "client.hpp"

namespace drainpipe {

// Lets one client at a time have an unfinished payload that is large, so that any number of clients
// needs little more room than one. The others are held, in order, until the turn is theirs; a
// client that has the turn and sends less than kMinBytes in kTimeout while others wait loses it.
class LargeTurn {
  public:
    using Clock = std::chrono::steady_clock;

    static constexpr std::chrono::seconds kTimeout{5};
    static constexpr std::chrono::milliseconds kLateWakeup{500};
    static constexpr std::size_t kMinBytes = 64 * 1024;

    // To be called after each read of a client. Returns the client that is let go by it, if any.
    Client* after_read(Client& client, Clock::time_point now);

    // The client is gone. Returns the client that is let go by it, if any.
    Client* forget(const Client& client, Clock::time_point now);

    // Where the deadline passed longer ago than a wake-up takes, the intake did not run, and
    // perhaps no client did: the holder's time begins anew. To be called at each wake-up, before
    // any read.
    void leave_out_frozen_time(Clock::time_point now) {
        if (has_waiting() && now >= deadline() + kLateWakeup) {
            begin_anew(now);
        }
    }

    bool has_waiting() const { return !waiting_.empty(); }

    // When the client that has the turn loses it, if it does not send enough. Requires
    // has_waiting().
    Clock::time_point deadline() const { return since_ + kTimeout; }

    // No client was read for a while, which is not the client's doing: its time begins anew.
    void begin_anew(Clock::time_point now) { since_ = now; }
    Client* holder() const { return holder_; }

  private:
    Client* pass_on(Clock::time_point now);
    void give_to(Client& client, Clock::time_point now);

    Client* holder_ = nullptr;
    // What it had sent then of its payload; kMinBytes more and its time begins anew.
    Clock::time_point since_;
    std::size_t bytes_ = 0;
    std::deque<Client*> waiting_;
};

}  // namespace drainpipe
