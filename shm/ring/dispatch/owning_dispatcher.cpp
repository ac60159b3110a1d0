#include "owning_dispatcher.hpp"

#include <algorithm>
#include <limits>

namespace drainpipe {
namespace {

constexpr auto kAll = std::numeric_limits<std::uint64_t>::max();

}  // namespace

void OwningDispatcher::attach(const LedgerChange& change) { take_over(change, consumer_); }

void OwningDispatcher::take_over(const LedgerChange& change, unsigned number) const {
    pass_done(change);
    ConsumerState& consumer_state = change.state_of(number);
    consumer_state.unmet = 0;
    consumer_state.next = change->head;
    for (const EventRange& range : given_events(*change, number)) {
        for (std::uint64_t event = range.first; event < range.last; ++event) {
            const bool was_begun =
                segment_.attempts().load(event) > 0 && segment_.retry_time(event) == 0;
            change->redelivered += was_begun ? 1 : 0;
        }
    }
}

std::vector<EventRange> OwningDispatcher::begun(const Ledger& ledger) const {
    std::vector<EventRange> begun;
    for (std::uint64_t event = ledger.head; event < tail(); ++event) {
        if (!states_.at(event).is_done() && segment_.attempts().load(event) > 0) {
            begun.push_back({event, event + 1});
        }
    }
    return begun;
}

void OwningDispatcher::collect_in_state(const Ledger& ledger, EventState state, std::uint64_t limit,
                                        const std::vector<EventRange>& in_hand,
                                        std::vector<EventRange>& ranges) const {
    std::uint64_t from = ledger.head;
    const auto collect_to = [&](std::uint64_t end) {
        while (limit > 0) {
            const std::uint64_t first = states_.find(from, end, state);
            const std::uint64_t most = first + std::min(limit, end - first);
            if (first == most) {
                return;
            }
            from = states_.end_of_run(first, most, state);
            ranges.push_back({first, from});
            limit -= from - first;
        }
    };
    for (const EventRange& held : in_hand) {
        collect_to(held.first);
        from = held.last;
    }
    collect_to(ledger.given_end);
}

CompletionKind OwningDispatcher::collect(const Ledger& ledger, bool is_draining,
                                         std::uint64_t limit,
                                         const std::vector<EventRange>& in_hand,
                                         std::vector<EventRange>& ranges) {
    collect_in_state(ledger, given_, limit, in_hand, ranges);
    if (!is_draining) {
        return CompletionKind::processed;
    }
    if (!ranges.empty()) {
        return CompletionKind::emptied;
    }
    collect_in_state(ledger, given_in_drain_, limit, in_hand, ranges);
    return CompletionKind::drained;
}

void OwningDispatcher::settle(const LedgerChange& change, EventRange done, CompletionKind kind) {
    if (done.first == change->head && !segment_.is_tracked()) {
        change->head = done.last;
        change->done[static_cast<std::size_t>(kind)] += done.size();
    } else {
        states_.fill(done.first, done.last, EventState::done(kind));
    }
    pass_done(change);
}

void OwningDispatcher::pass_done(const LedgerChange& change) const {
    const std::uint64_t end = tail();
    std::uint64_t head = change->head;
    while (head < end && states_.at(head).is_done()) {
        const EventState state = states_.at(head);
        const std::uint64_t run_end = states_.end_of_run(head, end, state);
        if (state.kind() < kCompletionKinds) {
            change->done[state.kind()] += run_end - head;
        }
        head = run_end;
    }
    change->head = head;
    change->waiting_from.raise_to(head);
    change->given_end.raise_to(head);
}

std::vector<EventRange> OwningDispatcher::given_events(const Ledger& ledger,
                                                       unsigned number) const {
    std::vector<EventRange> ranges;
    collect_in_state(ledger, EventState::given(number), kAll, {}, ranges);
    collect_in_state(ledger, EventState::given_in_drain(number), kAll, {}, ranges);
    std::ranges::sort(ranges, {}, &EventRange::first);
    return ranges;
}

std::uint64_t OwningDispatcher::in_flight(const Ledger& ledger) const {
    std::vector<EventRange> ranges;
    collect_in_state(ledger, given_, kAll, {}, ranges);
    std::uint64_t events = 0;
    for (const EventRange& range : ranges) {
        events += range.size();
    }
    return events;
}

std::uint64_t OwningDispatcher::buffered(const Ledger& ledger) const {
    return states_.count(ledger.waiting_from, tail(),
                         [](EventState state) { return state.is_waiting(); });
}

void OwningDispatcher::begin(EventRange events) {
    const bool goes_on = events.first >= last_begun_.first && events.first < last_begun_.last;
    const std::uint64_t begun_to = goes_on ? last_begun_.last : events.first;
    segment_.attempts().count_up(std::min(begun_to, events.last), events.last);
    last_begun_ = {events.first, std::max(begun_to, events.last)};
}

std::uint32_t OwningDispatcher::attempt(std::uint64_t event) const {
    return segment_.attempts().load(event);
}

void OwningDispatcher::set_given(const LedgerChange& change, EventRange events,
                                 EventState state) const {
    states_.fill(events.first, events.last, state);
    change->given_end.raise_to(events.last);
}

void OwningDispatcher::look_from_head() const {
    const LedgerChange change(segment_);
    change->waiting_from = change->head;
    for (std::uint64_t consumer_state = 0; consumer_state < change->consumers_used;
         ++consumer_state) {
        change->consumer_states[consumer_state].next = change->head;
    }
    change.publish();
}

std::uint64_t OwningDispatcher::give_back(unsigned number,
                                          const std::function<bool(EventState)>& goes) const {
    look_from_head();
    std::vector<EventRange> ranges = given_events(published_ledger(header()), number);
    std::ranges::reverse(ranges);
    std::uint64_t given_back = 0;
    for (const EventRange& range : ranges) {
        for (std::uint64_t event = range.last; event-- > range.first;) {
            if (const EventState state = segment_.state_of_new(event); goes(state)) {
                states_.set(event, state);
                ++given_back;
            }
        }
    }
    return given_back;
}

void OwningDispatcher::give_up(unsigned number) {
    const LedgerChange change(segment_);
    take_over(change, number);
    change.publish();
    give_back(number, [](EventState) { return true; });
}

void OwningDispatcher::leave() {
    const LedgerChange change(segment_);
    change.state_of(consumer_).unmet = 0;
    change.publish();
    give_back(consumer_, [](EventState) { return true; });
}

}  // namespace drainpipe
