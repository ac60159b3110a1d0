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
    Seat& seat = change.seat(number);
    seat.unmet = 0;
    seat.next = change->head;
    for (const Run& run : given_events(*change, number)) {
        for (std::uint64_t event = run.first; event < run.last; ++event) {
            change->redelivered += segment_.attempts().load(event) > 0 ? 1 : 0;
        }
    }
}

std::vector<Run> OwningDispatcher::begun(const Ledger& ledger) const {
    std::vector<Run> begun;
    for (std::uint64_t event = ledger.head; event < tail(); ++event) {
        if (!marks_.at(event).is_done() && segment_.attempts().load(event) > 0) {
            begun.push_back({event, event + 1});
        }
    }
    return begun;
}

void OwningDispatcher::collect_marked(const Ledger& ledger, Mark mark, std::uint64_t limit,
                                      std::vector<Run>& runs) const {
    std::uint64_t from = ledger.head;
    while (limit > 0) {
        const std::uint64_t first = marks_.find(from, ledger.given_end, mark);
        const std::uint64_t most = first + std::min(limit, ledger.given_end - first);
        if (first == most) {
            return;
        }
        from = marks_.end_of_run(first, most, mark);
        runs.push_back({first, from});
        limit -= from - first;
    }
}

Stretch OwningDispatcher::collect(const Ledger& ledger, bool is_draining, std::uint64_t limit,
                                  std::vector<Run>& runs) {
    collect_marked(ledger, given_, limit, runs);
    if (!is_draining) {
        return Stretch::processed;
    }
    if (!runs.empty()) {
        return Stretch::emptied;
    }
    collect_marked(ledger, given_in_drain_, limit, runs);
    return Stretch::drained;
}

void OwningDispatcher::settle(const LedgerChange& change, Run done, Stretch stretch) {
    if (done.first == change->head) {
        change->head = done.last;
        change->done[static_cast<std::size_t>(stretch)] += done.size();
    } else {
        marks_.fill(done.first, done.last, Mark::done(stretch));
    }
    pass_done(change);
}

void OwningDispatcher::pass_done(const LedgerChange& change) const {
    const std::uint64_t end = tail();
    std::uint64_t head = change->head;
    while (head < end && marks_.at(head).is_done()) {
        const Mark mark = marks_.at(head);
        const std::uint64_t run_end = marks_.end_of_run(head, end, mark);
        if (mark.stretch() < kStretches) {
            change->done[mark.stretch()] += run_end - head;
        }
        head = run_end;
    }
    change->head = head;
    change->waiting_from.raise_to(head);
    change->given_end.raise_to(head);
}

std::vector<Run> OwningDispatcher::given_events(const Ledger& ledger, unsigned number) const {
    std::vector<Run> runs;
    collect_marked(ledger, Mark::given(number), kAll, runs);
    collect_marked(ledger, Mark::given_in_drain(number), kAll, runs);
    std::ranges::sort(runs, {}, &Run::first);
    return runs;
}

std::uint64_t OwningDispatcher::in_flight(const Ledger& ledger) const {
    std::vector<Run> runs;
    collect_marked(ledger, given_, kAll, runs);
    std::uint64_t events = 0;
    for (const Run& run : runs) {
        events += run.size();
    }
    return events;
}

std::uint64_t OwningDispatcher::buffered(const Ledger& ledger) const {
    return marks_.count(ledger.waiting_from, tail(), [](Mark mark) { return mark.is_waiting(); });
}

void OwningDispatcher::begin(Run events) {
    const bool goes_on = events.first >= last_begun_.first && events.first < last_begun_.last;
    const std::uint64_t begun_to = goes_on ? last_begun_.last : events.first;
    segment_.attempts().count_up(std::min(begun_to, events.last), events.last);
    last_begun_ = {events.first, std::max(begun_to, events.last)};
}

std::uint32_t OwningDispatcher::attempt(std::uint64_t event) const {
    return segment_.attempts().load(event);
}

void OwningDispatcher::mark_given(const LedgerChange& change, Run events, Mark mark) const {
    marks_.fill(events.first, events.last, mark);
    change->given_end.raise_to(events.last);
}

void OwningDispatcher::look_from_head() const {
    const LedgerChange change(segment_);
    change->waiting_from = change->head;
    for (std::uint64_t seat = 0; seat < change->seats_used; ++seat) {
        change->seats[seat].next = change->head;
    }
    change.publish();
}

std::uint64_t OwningDispatcher::give_back(unsigned number,
                                          const std::function<bool(Mark)>& goes) const {
    look_from_head();
    std::vector<Run> runs = given_events(holding_ledger(header()), number);
    std::ranges::reverse(runs);
    std::uint64_t given_back = 0;
    for (const Run& run : runs) {
        for (std::uint64_t event = run.last; event-- > run.first;) {
            if (const Mark mark = segment_.mark_of_new(event); goes(mark)) {
                marks_.set(event, mark);
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
    give_back(number, [](Mark) { return true; });
}

void OwningDispatcher::leave() {
    const LedgerChange change(segment_);
    change.seat(consumer_).unmet = 0;
    change.publish();
    give_back(consumer_, [](Mark) { return true; });
}

}  // namespace drainpipe
