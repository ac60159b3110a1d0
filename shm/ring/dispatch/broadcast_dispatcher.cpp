#include "broadcast_dispatcher.hpp"

#include <algorithm>
#include <limits>

namespace drainpipe {
namespace {

std::span<ConsumerState> states_of(Ledger& ledger) {
    return std::span(ledger.consumer_states).first(ledger.consumers_used);
}

// How many events after `given_end` this consumer did in an earlier run.
std::uint64_t ahead(const Ledger& ledger, const ConsumerState& consumer_state) {
    return consumer_state.committed > ledger.given_end ? consumer_state.committed - ledger.given_end
                                                       : 0;
}

}  // namespace

void BroadcastDispatcher::attach(const LedgerChange& change) {
    ConsumerState& consumer_state = change.state_of(consumer_);
    if (consumer_state.is_taken == 0) {
        // One that is not to be there is not waited for.
        const bool is_expected = consumer_ < header().consumers.load();
        consumer_state = {.unmet = 0,
                          .next = 0,
                          .committed = past_done(change->given_end),
                          .deaths = 0,
                          .is_taken = is_expected ? 1u : 0u};
        header().begun[consumer_].store(consumer_state.committed);
    }
    consumer_state.unmet = 0;
    handed_to_ = consumer_state.committed;
    repeated_to_ = header().begun[consumer_].load();
    if (repeated_to_ > consumer_state.committed) {
        consumer_state.deaths += 1;
        deaths_ = consumer_state.deaths;
        change->redelivered += repeated_to_ - consumer_state.committed;
    }
}

std::vector<EventRange> BroadcastDispatcher::begun(const Ledger& ledger) const {
    std::uint64_t end = ledger.head;
    for (std::uint64_t consumer_state = 0; consumer_state < ledger.consumers_used;
         ++consumer_state) {
        end = std::max(end, header().begun[consumer_state].load());
    }
    return {{ledger.head, std::min(end, tail())}};
}

Dispatcher::Given BroadcastDispatcher::give(const LedgerChange& change, std::uint64_t /*least*/) {
    Given given;
    while (true) {
        // What an earlier run has done costs no demand.
        const std::uint64_t first = past_done(change->given_end);
        given.has_looked_on = given.has_looked_on || first != change->given_end;
        change->given_end = first;
        const std::uint64_t events = states_.end_of_run(first, tail(), kWaiting) - first;
        const std::uint64_t given_now = give_run(*change, events);
        if (given_now == 0) {
            given.to_others = given.events > 0;
            return given;
        }
        given.events += given_now;
    }
}

std::uint64_t BroadcastDispatcher::give_run(Ledger& ledger, std::uint64_t events) {
    for (const ConsumerState& consumer_state : states_of(ledger)) {
        if (consumer_state.is_taken != 0) {
            events = std::min(events, consumer_state.unmet + ahead(ledger, consumer_state));
        }
    }
    for (ConsumerState& consumer_state : states_of(ledger)) {
        consumer_state.unmet -= std::min(consumer_state.unmet.get(),
                                         events - std::min(events, ahead(ledger, consumer_state)));
    }
    ledger.given_end += events;
    return events;
}

std::uint64_t BroadcastDispatcher::past_done(std::uint64_t event) const {
    return states_.end_of_run(event, std::max(event, tail()), EventState::done_before());
}

Dispatcher::Given BroadcastDispatcher::give_in_drain(const LedgerChange& change, std::uint64_t) {
    const std::uint64_t events = tail() - change->given_end;
    change->given_end += events;
    return {.events = events, .to_others = events > 0};
}

CompletionKind BroadcastDispatcher::collect(const Ledger& ledger, bool is_draining,
                                            std::uint64_t limit,
                                            const std::vector<EventRange>& /*in_hand*/,
                                            std::vector<EventRange>& ranges) {
    const std::uint64_t stopped = header().stopped_given_end.load();
    const bool was_in_flight = is_draining && handed_to_ < stopped;
    const std::uint64_t end =
        was_in_flight ? std::min(stopped, ledger.given_end.get()) : ledger.given_end.get();
    while (limit > 0 && handed_to_ < end) {
        const std::uint64_t first = states_.find(handed_to_, end, kWaiting);
        handed_to_ = states_.end_of_run(first, first + std::min(limit, end - first), kWaiting);
        if (first < handed_to_) {
            ranges.push_back({first, handed_to_});
            limit -= handed_to_ - first;
        }
    }
    return !is_draining    ? CompletionKind::processed
           : was_in_flight ? CompletionKind::emptied
                           : CompletionKind::drained;
}

void BroadcastDispatcher::put_back(std::uint64_t first) { handed_to_ = first; }

void BroadcastDispatcher::settle(const LedgerChange& change, EventRange done, CompletionKind kind) {
    ConsumerState& consumer_state = change.state_of(consumer_);
    consumer_state.committed = past_done(done.last);
    consumer_state.deaths = 0;
    move_head(change, kind);
}

CompletionKind BroadcastDispatcher::kind_now(std::uint64_t event) const {
    if (header().drain_begun.load() == 0) {
        return CompletionKind::processed;
    }
    return event < header().stopped_given_end.load() ? CompletionKind::emptied
                                                     : CompletionKind::drained;
}

void BroadcastDispatcher::move_head(const LedgerChange& change,
                                    std::optional<CompletionKind> kind) const {
    std::uint64_t head = std::numeric_limits<std::uint64_t>::max();
    for (const ConsumerState& consumer_state : states_of(*change)) {
        head = consumer_state.is_taken != 0 ? std::min(head, consumer_state.committed.get()) : head;
    }
    if (head == std::numeric_limits<std::uint64_t>::max()) {
        return;
    }
    for (std::uint64_t event = change->head; event < head; ++event) {
        if (states_.at(event) == kWaiting) {
            change->done[static_cast<std::size_t>(kind.value_or(kind_now(event)))] += 1;
        }
    }
    change->head.raise_to(head);
    change->waiting_from.raise_to(change->head);
    change->given_end.raise_to(change->head);
}

std::uint64_t BroadcastDispatcher::in_flight(const Ledger& ledger) const {
    const std::uint64_t committed = ledger.consumer_states[consumer_].committed;
    return states_.count_undone(std::min(committed, ledger.given_end.get()), ledger.given_end);
}

std::uint64_t BroadcastDispatcher::buffered(const Ledger& ledger) const {
    return states_.count_undone(ledger.given_end, tail());
}

void BroadcastDispatcher::begin(EventRange events) {
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
    ConsumerState& consumer_state = change.state_of(number);
    consumer_state.unmet = 0;
    if (number >= header().consumers.load()) {
        consumer_state.is_taken = 0;
        move_head(change, std::nullopt);
    }
    change.publish();
}

}  // namespace drainpipe
