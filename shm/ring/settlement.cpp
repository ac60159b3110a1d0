#include "settlement.hpp"

#include <algorithm>
#include <cassert>
#include <mutex>

#include "ledger_change.hpp"

namespace drainpipe {
namespace {

Settlement::Fate fate_of_state(EventState state) {
    return state.is_dead()         ? Settlement::Fate::dead
           : state.is_given_back() ? Settlement::Fate::given_back
                                   : Settlement::Fate::done;
}

}  // namespace

// The keys of events that a killed process was about to put in may stand in the slots of the oldest
// ones: as many of those are not remembered.
Settlement::Settlement(Segment& segment)
    : segment_(segment),
      lock_(segment),
      settled_(segment.header().settled.load()),
      told_to_(settled_) {
    const Geometry& geometry = segment.header().geometry;
    const std::uint64_t tail = segment.header().tail.load();
    const std::uint64_t end_of_writing = settled_ + geometry.capacity;
    known_.resize(tail - settled_);
    for (std::uint64_t event = end_of_writing - std::min(geometry.slots, end_of_writing);
         event < tail; ++event) {
        if (const std::uint64_t key = segment_.key(event); key != 0) {
            events_by_key_.put(key, event);
        }
    }
    // A killed process may have begun to set back what it had settled.
    for (std::uint64_t event = settled_; event < segment.header().head.load(); ++event) {
        if (segment_.states().at(event).is_waiting()) {
            known(event) = {.is_told = true, .is_settled = true};
        }
    }
    advance();
}

std::optional<Settlement::Fate> Settlement::fate_of(std::uint64_t event) const {
    const EventState state = segment_.states().at(event);
    return state.is_done() ? std::optional(fate_of_state(state)) : std::nullopt;
}

std::vector<std::uint64_t> Settlement::held() const {
    std::vector<std::uint64_t> events;
    for (std::uint64_t index = 0; index < known_.size(); ++index) {
        if (!known_[index].is_settled) {
            events.push_back(settled_ + index);
        }
    }
    return events;
}

void Settlement::tell(std::uint64_t event, std::vector<Ended>& ended) {
    const std::optional<Fate> fate = fate_of(event);
    if (!fate || known(event).is_told) {
        return;
    }
    known(event).is_told = true;
    if (*fate == Fate::given_back) {
        forget_key(event);
    }
    ended.push_back({event, *fate});
}

// Before the head all have ended; behind it those that were given may have, in any order.
std::vector<Settlement::Ended> Settlement::take_ended() {
    std::vector<Ended> ended;
    const Header& header = segment_.header();
    const std::uint64_t head =
        std::min<std::uint64_t>(header.head.load(), settled_ + known_.size());
    for (; told_to_ < head; ++told_to_) {
        tell(told_to_, ended);
    }
    const std::uint64_t given_end =
        std::min<std::uint64_t>(read_ledger(header).given_end, settled_ + known_.size());
    for (std::uint64_t event = told_to_; event < given_end; ++event) {
        tell(event, ended);
    }
    advance();
    return ended;
}

bool Settlement::has_ended() const {
    for (std::uint64_t index = 0; index < known_.size(); ++index) {
        if (!known_[index].is_settled && fate_of(settled_ + index)) {
            return true;
        }
    }
    return false;
}

void Settlement::settle(std::span<const std::uint64_t> events) {
    for (const std::uint64_t event : events) {
        assert(event >= settled_ && known(event).is_told);
        known(event).is_settled = true;
    }
    advance();
}

void Settlement::advance() {
    Header& header = segment_.header();
    const std::uint64_t head = header.head.load();
    std::uint64_t settled = settled_;
    while (!known_.empty() && settled < head && known_.front().is_settled) {
        known_.pop_front();
        ++settled;
    }
    if (settled == settled_) {
        return;
    }
    segment_.forget(settled_, settled);
    settled_ = settled;
    told_to_ = std::max(told_to_, settled_);
    header.settled.store(settled);
    header.room_available.notify();
}

void Settlement::withdraw(std::span<const std::uint64_t> events) const {
    for (const std::uint64_t event : events) {
        segment_.marks().store(event, 1);
    }
}

void Settlement::give_back_all() {
    {
        const std::lock_guard guard(lock_);
        const LedgerChange change(segment_);
        const std::uint64_t tail = segment_.header().tail.load();
        for (std::uint64_t event = change->head; event < tail; ++event) {
            if (!segment_.states().at(event).is_done()) {
                segment_.set_retry_time(event, 0);
                segment_.states().set(event, EventState::done(CompletionKind::given_back));
            }
        }
        for (std::uint64_t event = change->head; event < tail; ++event) {
            const EventState state = segment_.states().at(event);
            if (state.kind() < kCompletionKinds) {
                change->done[state.kind()] += 1;
            }
        }
        change->head = tail;
        change->waiting_from.raise_to(tail);
        change->given_end.raise_to(tail);
        change.publish();
    }
    segment_.header().room_available.notify_always();
}

std::optional<std::uint64_t> Settlement::find(std::uint64_t key) const {
    const std::optional<std::uint64_t> event = events_by_key_.find(key);
    const bool is_gone = event && !is_settled(*event) && fate_of(*event) == Fate::given_back;
    return is_gone ? std::nullopt : event;
}

bool Settlement::is_settled(std::uint64_t event) const {
    return event < settled_ || known_[event - settled_].is_settled;
}

// For good: what is put in again under that key is another event.
void Settlement::forget_key(std::uint64_t event) {
    events_by_key_.erase(segment_.key(event), event);
    segment_.set_key(event, 0);
}

void Settlement::make_room_for(std::uint64_t events) {
    const std::uint64_t tail = segment_.header().tail.load();
    const std::uint64_t slots = segment_.header().geometry.slots;
    const std::uint64_t first = tail - std::min(tail, slots);
    const std::uint64_t last = tail + events - std::min(tail + events, slots);
    for (std::uint64_t event = first; event < last; ++event) {
        events_by_key_.erase(segment_.key(event), event);
    }
}

void Settlement::note_accepted(std::uint64_t first) {
    const std::uint64_t tail = segment_.header().tail.load();
    known_.resize(tail - settled_);
    for (std::uint64_t event = first; event < tail; ++event) {
        if (const std::uint64_t key = segment_.key(event); key != 0) {
            events_by_key_.put(key, event);
        }
    }
    segment_.header().room_available.notify();  // some may be done already
}

}  // namespace drainpipe
