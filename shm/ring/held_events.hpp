#pragma once

#include <bitset>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "segment.hpp"

namespace drainpipe {

// Events that are given to a consumer and are not to be handed out yet: those that have failed,
// until their time has come, and with keys those that have one of their partition before them that
// is held or in hand. In the order of acceptance. It reads the segment and changes nothing in it.
class HeldEvents {
  public:
    using Clock = std::chrono::steady_clock;
    using Partitions = std::bitset<kMaxConsumers>;

    struct Held {
        std::uint64_t event;
        CompletionKind kind;                        // in which it was handed out, or is to be
        bool holds_demand;                          // it was not handed out before
        std::optional<Clock::time_point> retry_at;  // it waits for its retry
        bool is_left = false;                       // for the next run
    };

    explicit HeldEvents(const Segment& segment);

    bool is_empty() const { return held_.empty(); }
    std::size_t size() const { return held_.size(); }
    const std::vector<Held>& all() const { return held_; }

    void hold(const Held& held);
    // Holds those that wait for a retry of what a consumer was given by another process.
    void hold_given(const Ledger& ledger, unsigned consumer);
    // Forgets what is not given to that consumer any more; how many of those held no demand.
    std::uint64_t forget_taken(unsigned consumer);

    // Hands out at most `limit` events for which nothing is to be waited for any more, in order;
    // returns how many. In the drain no time is waited for. To `busy`, the partitions of what is in
    // hand, it adds those of all that it holds or has handed out.
    std::uint64_t hand_out(std::uint64_t limit, bool is_draining, Partitions& busy,
                           const std::function<void(const Held&)>& hand);

    // When hand_out() may find more, as of its last call.
    std::optional<Clock::time_point> next_time() const { return next_time_; }
    // Nothing is handed out before another call.
    void forget_time() { next_time_.reset(); }

    // The partition of an event; 0 where there are no keys.
    unsigned partition(std::uint64_t event) const;

  private:
    static bool is_due(const Held& held, bool is_draining);

    const Segment& segment_;
    bool has_keys_;
    std::vector<Held> held_;
    std::optional<Clock::time_point> next_time_;
};

}  // namespace drainpipe
