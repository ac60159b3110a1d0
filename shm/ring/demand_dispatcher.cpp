#include "demand_dispatcher.hpp"

#include <algorithm>
#include <array>

namespace drainpipe {
namespace {

constexpr Mark kWaiting = Mark::waiting(0);

std::uint64_t neediest_of(const Ledger& ledger) {
    const auto first = ledger.seats.begin();
    const auto neediest = std::max_element(
        first, first + static_cast<std::ptrdiff_t>(ledger.seats_used),
        [](const Seat& left, const Seat& right) { return left.unmet < right.unmet; });
    return static_cast<std::uint64_t>(neediest - first);
}

// Of so many events, for each of those that have asked. Requires that one has.
std::uint64_t even_share(const Ledger& ledger, std::uint64_t events) {
    std::uint64_t askers = 0;
    for (std::uint64_t seat = 0; seat < ledger.seats_used; ++seat) {
        askers += ledger.seats[seat].unmet > 0 ? 1 : 0;
    }
    return (events + askers - 1) / askers;
}

// How many of the events given last are looked at for some to take: the lock is held meanwhile.
constexpr std::uint64_t kMostLookedAt = 4096;

}  // namespace

void DemandDispatcher::attach(const LedgerChange& change) {
    header().in_hand_end[consumer_].store(0);
    OwningDispatcher::attach(change);
}

Stretch DemandDispatcher::collect(const Ledger& ledger, bool is_draining, std::uint64_t limit,
                                  std::vector<Run>& runs) {
    const Stretch stretch = OwningDispatcher::collect(ledger, is_draining, limit, runs);
    Word<std::uint64_t>& in_hand_end = header().in_hand_end[consumer_];
    if (!runs.empty() && in_hand_end.load() < runs.back().last) {
        in_hand_end.store(runs.back().last);
    }
    return stretch;
}

bool DemandDispatcher::is_free(std::uint64_t event, Stretch stretch) const {
    const Mark mark = marks_.at(event);
    return mark.is_given() && mark.is_given_in_drain() == (stretch == Stretch::drained) &&
           mark.consumer() != consumer_ && event >= header().in_hand_end[mark.consumer()].load() &&
           segment_.attempts().load(event) == 0;
}

DemandDispatcher::Busiest DemandDispatcher::busiest(Run events, Stretch stretch) const {
    std::array<std::uint64_t, kMostConsumers> free{};
    for (std::uint64_t event = events.first; event < events.last; ++event) {
        free[marks_.at(event).consumer()] += is_free(event, stretch) ? 1 : 0;
    }
    const auto most = std::ranges::max_element(free);
    return {static_cast<unsigned>(most - free.begin()), *most};
}

bool DemandDispatcher::take_from_others(Stretch stretch, std::uint64_t most) {
    const Ledger& ledger = holding_ledger(header());
    const std::uint64_t last = ledger.given_end;
    const Run events{last - std::min(last - ledger.head, kMostLookedAt), last};
    if (ledger.seats_used < 2 || events.size() == 0) {
        return false;
    }
    const Busiest busiest = this->busiest(events, stretch);
    std::uint64_t taken = std::min(most, (busiest.free + 1) / 2);
    if (stretch == Stretch::processed) {
        // The demand first: killed before all marks follow, the other one gets a few more than it
        // asked for, instead of fewer for ever.
        const LedgerChange change(segment_);
        Seat& seat = change.seat(consumer_);
        taken = std::min(taken, seat.unmet.get());
        seat.unmet -= taken;
        change.seat(busiest.number).unmet += taken;
        change.publish();
    }
    const Mark mine = stretch == Stretch::drained ? given_in_drain_ : given_;
    for (std::uint64_t event = last, left = taken; left > 0; --event) {
        if (is_free(event - 1, stretch) && marks_.at(event - 1).consumer() == busiest.number) {
            marks_.set(event - 1, mine);
            --left;
        }
    }
    return taken > 0;
}

Run DemandDispatcher::next_waiting(Ledger& ledger, std::uint64_t most) const {
    const std::uint64_t end = tail();
    const std::uint64_t first = marks_.find(ledger.waiting_from, end, kWaiting);
    const std::uint64_t last =
        marks_.end_of_run(first, first + std::min(most, end - first), kWaiting);
    ledger.waiting_from = last;
    return {first, last};
}

Dispatcher::Given DemandDispatcher::give(const LedgerChange& change) {
    Given given;
    std::uint64_t share = 0;
    while (change->waiting_from < tail()) {
        const std::uint64_t number = neediest_of(*change);
        Seat& seat = change->seats[number];
        if (seat.unmet == 0) {
            return given;
        }
        share = share > 0 ? share : even_share(*change, tail() - change->waiting_from);
        const Run events = next_waiting(*change, std::min(share, seat.unmet.get()));
        if (events.size() == 0) {
            return given;
        }
        mark_given(change, events, Mark::given(static_cast<unsigned>(number)));
        seat.unmet -= events.size();
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
    const Run events = next_waiting(*change, most);
    mark_given(change, events, given_in_drain_);
    return {.events = events.size()};
}

}  // namespace drainpipe
