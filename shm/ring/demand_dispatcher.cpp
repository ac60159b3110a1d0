#include "demand_dispatcher.hpp"

#include <algorithm>

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

}  // namespace

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
    while (change->waiting_from < tail()) {
        const std::uint64_t number = neediest_of(*change);
        Seat& seat = change->seats[number];
        if (seat.unmet == 0) {
            return given;
        }
        const Run events = next_waiting(*change, seat.unmet);
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
