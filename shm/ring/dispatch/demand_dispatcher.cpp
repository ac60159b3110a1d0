#include "demand_dispatcher.hpp"

#include <algorithm>
#include <array>

namespace drainpipe {
namespace {

std::uint64_t neediest_of(const Ledger& ledger) {
    const auto first = ledger.consumer_states.begin();
    const auto neediest =
        std::max_element(first, first + static_cast<std::ptrdiff_t>(ledger.consumers_used),
                         [](const ConsumerState& left, const ConsumerState& right) {
                             return left.unmet < right.unmet;
                         });
    return static_cast<std::uint64_t>(neediest - first);
}

// Of so many events, for each of those that have asked. Requires that one has.
std::uint64_t even_share(const Ledger& ledger, std::uint64_t events) {
    std::uint64_t askers = 0;
    for (std::uint64_t consumer_state = 0; consumer_state < ledger.consumers_used;
         ++consumer_state) {
        askers += ledger.consumer_states[consumer_state].unmet > 0 ? 1 : 0;
    }
    return (events + askers - 1) / askers;
}

// How many of the events given last are looked at for some to take: the lock is held meanwhile.
constexpr std::uint64_t kMaxLookedAt = 4096;

}  // namespace

void DemandDispatcher::attach(const LedgerChange& change) {
    header().in_hand_end[consumer_].store(0);
    OwningDispatcher::attach(change);
}

CompletionKind DemandDispatcher::collect(const Ledger& ledger, bool is_draining,
                                         std::uint64_t limit,
                                         const std::vector<EventRange>& in_hand,
                                         std::vector<EventRange>& ranges) {
    const CompletionKind kind =
        OwningDispatcher::collect(ledger, is_draining, limit, in_hand, ranges);
    Word<std::uint64_t>& in_hand_end = header().in_hand_end[consumer_];
    if (!ranges.empty() && in_hand_end.load() < ranges.back().last) {
        in_hand_end.store(ranges.back().last);
    }
    return kind;
}

void DemandDispatcher::put_back(std::uint64_t first) {
    Word<std::uint64_t>& in_hand_end = header().in_hand_end[consumer_];
    in_hand_end.store(std::min(in_hand_end.load(), first));
}

bool DemandDispatcher::is_free(std::uint64_t event, CompletionKind kind) const {
    const EventState state = states_.at(event);
    return state.is_given() && state.is_given_in_drain() == (kind == CompletionKind::drained) &&
           state.consumer() != consumer_ &&
           event >= header().in_hand_end[state.consumer()].load() &&
           segment_.attempts().load(event) == 0;
}

DemandDispatcher::Busiest DemandDispatcher::busiest(EventRange events, CompletionKind kind) const {
    std::array<std::uint64_t, kMaxConsumers> free{};
    for (std::uint64_t event = events.first; event < events.last; ++event) {
        free[states_.at(event).consumer()] += is_free(event, kind) ? 1 : 0;
    }
    const auto most = std::ranges::max_element(free);
    return {static_cast<unsigned>(most - free.begin()), *most};
}

bool DemandDispatcher::take_from_others(CompletionKind kind, std::uint64_t most) {
    const Ledger& ledger = published_ledger(header());
    const std::uint64_t last = ledger.given_end;
    const EventRange events{last - std::min(last - ledger.head, kMaxLookedAt), last};
    if (ledger.consumers_used < 2 || events.size() == 0) {
        return false;
    }
    const Busiest busiest = this->busiest(events, kind);
    std::uint64_t taken = std::min(most, (busiest.free + 1) / 2);
    if (kind == CompletionKind::processed) {
        // The demand first: killed before all states follow, the other one gets a few more than it
        // asked for, instead of fewer for ever.
        const LedgerChange change(segment_);
        ConsumerState& consumer_state = change.state_of(consumer_);
        taken = std::min(taken, consumer_state.unmet.get());
        consumer_state.unmet -= taken;
        change.state_of(busiest.number).unmet += taken;
        change.publish();
    }
    const EventState mine = kind == CompletionKind::drained ? given_in_drain_ : given_;
    for (std::uint64_t event = last, left = taken; left > 0; --event) {
        if (is_free(event - 1, kind) && states_.at(event - 1).consumer() == busiest.number) {
            states_.set(event - 1, mine);
            --left;
        }
    }
    return taken > 0;
}

EventRange DemandDispatcher::next_waiting(Ledger& ledger, std::uint64_t most) const {
    const std::uint64_t end = tail();
    const std::uint64_t first = states_.find(ledger.waiting_from, end, kWaiting);
    const std::uint64_t last =
        states_.end_of_run(first, first + std::min(most, end - first), kWaiting);
    ledger.waiting_from = last;
    return {first, last};
}

Dispatcher::Given DemandDispatcher::give(const LedgerChange& change, std::uint64_t least) {
    Given given;
    std::uint64_t share = 0;
    while (change->waiting_from < tail()) {
        const std::uint64_t number = neediest_of(*change);
        ConsumerState& consumer_state = change->consumer_states[number];
        if (consumer_state.unmet == 0) {
            return given;
        }
        if (share == 0) {
            share = std::max(least, even_share(*change, tail() - change->waiting_from));
        }
        const EventRange events =
            next_waiting(*change, std::min(share, consumer_state.unmet.get()));
        if (events.size() == 0) {
            return given;
        }
        set_given(change, events, EventState::given(static_cast<unsigned>(number)));
        consumer_state.unmet -= events.size();
        given.events += events.size();
        given.to_others = given.to_others || number != consumer_;
    }
    return given;
}

Dispatcher::Given DemandDispatcher::give_in_drain(const LedgerChange& change, std::uint64_t most) {
    const std::uint64_t consumers = header().consumers.load();
    if (consumers > 1) {
        const std::uint64_t share = (tail() - change->waiting_from) / (2 * consumers);
        most = std::clamp<std::uint64_t>(share, 1, most);
    }
    const EventRange events = next_waiting(*change, most);
    set_given(change, events, given_in_drain_);
    return {.events = events.size()};
}

}  // namespace drainpipe
