#include "broadcast_dispatcher.hpp"

#include <algorithm>
#include <limits>

namespace drainpipe {
namespace {

constexpr Mark kWaiting = Mark::waiting(0);

std::span<Seat> seats_of(Ledger& ledger) {
    return std::span(ledger.seats).first(ledger.seats_used);
}

// How many events behind `given_end` this consumer did in an earlier run.
std::uint64_t ahead(const Ledger& ledger, const Seat& seat) {
    return seat.committed > ledger.given_end ? seat.committed - ledger.given_end : 0;
}

}  // namespace

void BroadcastDispatcher::attach(const LedgerChange& change) {
    Seat& seat = change.seat(consumer_);
    if (seat.is_taken == 0) {
        // One that is not to be there is not waited for.
        const bool is_expected = consumer_ < header().consumers.load();
        seat = {.unmet = 0,
                .next = 0,
                .committed = past_done(change->given_end),
                .deaths = 0,
                .is_taken = is_expected ? 1u : 0u};
        header().begun[consumer_].store(seat.committed);
    }
    seat.unmet = 0;
    handed_to_ = seat.committed;
    repeated_to_ = header().begun[consumer_].load();
    if (repeated_to_ > seat.committed) {
        seat.deaths += 1;
        deaths_ = seat.deaths;
        change->redelivered += repeated_to_ - seat.committed;
    }
}

std::vector<Run> BroadcastDispatcher::begun(const Ledger& ledger) const {
    std::uint64_t end = ledger.head;
    for (std::uint64_t seat = 0; seat < ledger.seats_used; ++seat) {
        end = std::max(end, header().begun[seat].load());
    }
    return {{ledger.head, std::min(end, tail())}};
}

Dispatcher::Given BroadcastDispatcher::give(const LedgerChange& change) {
    Given given;
    while (true) {
        // What an earlier run has done costs nobody's demand.
        const std::uint64_t first = past_done(change->given_end);
        given.has_looked_on = given.has_looked_on || first != change->given_end;
        change->given_end = first;
        const std::uint64_t events = marks_.end_of_run(first, tail(), kWaiting) - first;
        const std::uint64_t given_now = give_run(*change, events);
        if (given_now == 0) {
            given.to_others = given.events > 0;
            return given;
        }
        given.events += given_now;
    }
}

std::uint64_t BroadcastDispatcher::give_run(Ledger& ledger, std::uint64_t events) {
    for (const Seat& seat : seats_of(ledger)) {
        if (seat.is_taken != 0) {
            events = std::min(events, seat.unmet + ahead(ledger, seat));
        }
    }
    for (Seat& seat : seats_of(ledger)) {
        seat.unmet -= std::min(seat.unmet.get(), events - std::min(events, ahead(ledger, seat)));
    }
    ledger.given_end += events;
    return events;
}

std::uint64_t BroadcastDispatcher::past_done(std::uint64_t event) const {
    return marks_.end_of_run(event, std::max(event, tail()), Mark::done_before());
}

Dispatcher::Given BroadcastDispatcher::give_in_drain(const LedgerChange& change, std::uint64_t) {
    const std::uint64_t events = tail() - change->given_end;
    change->given_end += events;
    return {.events = events, .to_others = events > 0};
}

Stretch BroadcastDispatcher::collect(const Ledger& ledger, bool is_draining, std::uint64_t limit,
                                     std::vector<Run>& runs) {
    const std::uint64_t stopped = header().stopped_given_end.load();
    const bool was_in_flight = is_draining && handed_to_ < stopped;
    const std::uint64_t end =
        was_in_flight ? std::min(stopped, ledger.given_end.get()) : ledger.given_end.get();
    while (limit > 0 && handed_to_ < end) {
        const std::uint64_t first = marks_.find(handed_to_, end, kWaiting);
        handed_to_ = marks_.end_of_run(first, first + std::min(limit, end - first), kWaiting);
        if (first < handed_to_) {
            runs.push_back({first, handed_to_});
            limit -= handed_to_ - first;
        }
    }
    return !is_draining ? Stretch::processed : was_in_flight ? Stretch::emptied : Stretch::drained;
}

void BroadcastDispatcher::collect_again(const Ledger& ledger) {
    handed_to_ = ledger.seats[consumer_].committed;
}

void BroadcastDispatcher::settle(const LedgerChange& change, Run done, Stretch stretch) {
    Seat& seat = change.seat(consumer_);
    seat.committed = past_done(done.last);
    seat.deaths = 0;
    move_head(change, stretch);
}

Stretch BroadcastDispatcher::stretch_now(std::uint64_t event) const {
    if (header().drain_begun.load() == 0) {
        return Stretch::processed;
    }
    return event < header().stopped_given_end.load() ? Stretch::emptied : Stretch::drained;
}

void BroadcastDispatcher::move_head(const LedgerChange& change,
                                    std::optional<Stretch> stretch) const {
    std::uint64_t head = std::numeric_limits<std::uint64_t>::max();
    for (const Seat& seat : seats_of(*change)) {
        head = seat.is_taken != 0 ? std::min(head, seat.committed.get()) : head;
    }
    if (head == std::numeric_limits<std::uint64_t>::max()) {
        return;
    }
    for (std::uint64_t event = change->head; event < head; ++event) {
        if (marks_.at(event) == kWaiting) {
            change->done[static_cast<std::size_t>(stretch.value_or(stretch_now(event)))] += 1;
        }
    }
    change->head.raise_to(head);
    change->waiting_from.raise_to(change->head);
    change->given_end.raise_to(change->head);
}

std::uint64_t BroadcastDispatcher::in_flight(const Ledger& ledger) const {
    const std::uint64_t committed = ledger.seats[consumer_].committed;
    return marks_.count_undone(std::min(committed, ledger.given_end.get()), ledger.given_end);
}

std::uint64_t BroadcastDispatcher::buffered(const Ledger& ledger) const {
    return marks_.count_undone(ledger.given_end, tail());
}

void BroadcastDispatcher::begin(Run events) {
    Word<std::uint64_t>& begun = header().begun[consumer_];
    if (begun.load() < events.last) {
        begun.store(events.last);
    }
}

std::uint32_t BroadcastDispatcher::attempt(std::uint64_t event) const {
    const std::uint32_t deaths_of_it = event < repeated_to_ ? deaths_ : 0;
    return 1 + deaths_of_it + segment_.attempts().load(event);
}

void BroadcastDispatcher::leave() { give_up(consumer_); }

void BroadcastDispatcher::give_up(unsigned number) {
    const LedgerChange change(segment_);
    Seat& seat = change.seat(number);
    seat.unmet = 0;
    if (number >= header().consumers.load()) {
        seat.is_taken = 0;
        move_head(change, std::nullopt);
    }
    change.publish();
}

}  // namespace drainpipe
