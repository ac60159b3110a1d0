#include "held_events.hpp"

#include <algorithm>

#include "retry_time.hpp"

namespace drainpipe {

HeldEvents::HeldEvents(const Segment& segment)
    : segment_(segment), has_keys_(segment.header().settings.dispatch == Dispatch::partition) {}

void HeldEvents::hold(const Held& held) {
    held_.insert(std::ranges::upper_bound(held_, held.event, {}, &Held::event), held);
}

void HeldEvents::hold_given(const Ledger& ledger, unsigned consumer) {
    for (std::uint64_t event = ledger.head; event < ledger.given_end; ++event) {
        const EventState state = segment_.states().at(event);
        const std::uint32_t time = segment_.retry_time(event);
        if (state.is_given() && state.consumer() == consumer && time != 0) {
            hold({event,
                  state.is_given_in_drain() ? CompletionKind::drained : CompletionKind::processed,
                  false, from_retry_time(time, Clock::now()), was_tried_in_drain(time)});
        }
    }
}

std::uint64_t HeldEvents::forget_taken(unsigned consumer) {
    std::uint64_t without_demand = 0;
    std::erase_if(held_, [&](const Held& held) {
        const EventState state = segment_.states().at(held.event);
        const bool is_here = state.is_given() && state.consumer() == consumer;
        without_demand += !is_here && !held.holds_demand ? 1 : 0;
        return !is_here;
    });
    return without_demand;
}

std::uint64_t HeldEvents::hand_out(std::uint64_t limit, bool is_draining, Partitions& busy,
                                   const std::function<void(const Held&)>& hand) {
    next_time_.reset();
    std::uint64_t handed_out = 0;
    std::erase_if(held_, [&](const Held& held) {
        const unsigned partition = this->partition(held.event);
        if (has_keys_ && busy[partition]) {
            return false;
        }
        busy[partition] = true;
        if (held.is_left) {
            return false;
        }
        if (!is_due(held, is_draining)) {
            next_time_ = std::min(*held.retry_at, next_time_.value_or(*held.retry_at));
            return false;
        }
        if (handed_out == limit) {
            return false;
        }
        ++handed_out;
        hand(held);
        return true;
    });
    return handed_out;
}

bool HeldEvents::is_due(const Held& held, bool is_draining) {
    return !held.retry_at || is_draining || *held.retry_at <= Clock::now();
}

unsigned HeldEvents::partition(std::uint64_t event) const {
    return has_keys_ ? segment_.state_of_new(event).partition() : 0;
}

}  // namespace drainpipe
