#include "delivery.hpp"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <mutex>
#include <utility>

namespace drainpipe {

std::uint64_t Delivery::Chunk::size() const {
    std::uint64_t events = 0;
    for (const EventRange& range : ranges) {
        events += range.size();
    }
    return events;
}

Delivery::Delivery(Segment& segment, unsigned consumer, IsGone is_gone)
    : segment_(segment),
      lock_(segment),
      dispatcher_(Dispatcher::of(segment, consumer)),
      consumer_(consumer),
      is_gone_(std::move(is_gone)),
      settled_for_(segment.header().scalings.load() - 1) {
    {
        const std::lock_guard guard(lock_);
        const LedgerChange change(segment_);
        dispatcher_->attach(change);
        change.publish();
        taken_over_ = dispatcher_->in_flight(*change);
    }
    segment_.header().room_available.notify();
}

Delivery::Chunk Delivery::turn(std::uint64_t done, std::uint64_t asked, std::uint64_t limit) {
    note_done(done);
    if (limit > 0 && may_inherit()) {
        inherit();
    }
    visit(asked, limit);
    if (limit > 0 && handed_.empty() && may_inherit() && inherit()) {
        visit(0, limit);
    }
    return {limit > 0 ? std::span<const EventRange>(handed_) : std::span<const EventRange>(),
            kind_};
}

void Delivery::visit(std::uint64_t asked, std::uint64_t limit) {
    Header& header = segment_.header();
    const bool has_done = !done_.empty();
    Dispatcher::Given given;
    bool has_handed_over = false;
    if (limit > 0 && expected_ && expected_->event < header.tail.load()) {
        segment_.fetch(expected_->event, expected_->begin);
    }
    {
        const std::lock_guard guard(lock_);
        if (limit > 0 && (is_to_hand_over_ || header.scalings.load() != settled_for_)) {
            change_ledger(0, 0);
            has_handed_over = settle_scaling();
        }
        given = change_ledger(asked, limit);
        if (limit > 0 && handed_.empty()) {
            given.to_others = hand_out_more(limit) || given.to_others;
        }
    }
    if (has_done || has_handed_over) {
        header.room_available.notify();
    }
    if (given.to_others || has_handed_over) {
        header.events_available.notify();
    }
}

bool Delivery::settle_scaling() {
    const Header& header = segment_.header();
    if (const std::uint32_t scalings = header.scalings.load(); scalings != settled_for_) {
        settled_for_ = scalings;
        inherited_.reset();
    }
    is_to_hand_over_ = !in_hand_.empty();
    if (is_to_hand_over_) {
        return false;
    }
    const bool has_handed_over = !is_draining_ && dispatcher_->hand_over();
    consumer_end_ = dispatcher_->consumer_end(published_ledger(header));
    return has_handed_over;
}

bool Delivery::inherit() {
    Header& header = segment_.header();
    bool has_inherited = false;
    consumer_end_ = std::max(consumer_end_, dispatcher_->consumer_end(read_ledger(header)));
    for (unsigned number = expects_no_other_ ? 0 : header.consumers.load(); number < consumer_end_;
         ++number) {
        if (number == consumer_ || inherited_[number] || !is_gone_(number)) {
            continue;
        }
        const std::lock_guard guard(lock_);
        // One that has come since has its place before it comes to the lock. This is the one
        // system call with the lock held; it is made once for each that is gone.
        if (is_gone_(number) && (expects_no_other_ || number >= header.consumers.load())) {
            dispatcher_->give_up(number);
            inherited_[number] = true;
            has_inherited = true;
        }
    }
    if (has_inherited) {
        is_to_hand_over_ = true;
        header.room_available.notify();
        header.events_available.notify();
    }
    return has_inherited;
}

Dispatcher::Given Delivery::change_ledger(std::uint64_t asked, std::uint64_t limit) {
    const LedgerChange change(segment_);
    const bool has_settled = settle(change);
    change.state_of(consumer_).unmet += asked;
    const Dispatcher::Given given = limit > 0 ? hand_out(change, limit) : Dispatcher::Given{};
    if (has_settled || asked + given.events > 0 || given.has_looked_on) {
        change.publish();
    }
    return given;
}

bool Delivery::hand_out_more(std::uint64_t limit) {
    const auto take = [&](CompletionKind kind) {
        if (handed_.empty() && dispatcher_->take_from_others(kind, limit)) {
            change_ledger(0, limit);
        }
    };
    if (!is_draining_) {
        take(CompletionKind::processed);
        return false;
    }
    // What was in flight comes first, whoever had it.
    if (!has_drained_) {
        take(CompletionKind::emptied);
    }
    bool has_given_to_others = false;
    if (handed_.empty()) {
        has_drained_ = true;
        has_given_to_others = change_ledger(0, limit).to_others;
    }
    take(CompletionKind::drained);
    return has_given_to_others;
}

bool Delivery::settle(const LedgerChange& change) {
    bool has_settled = false;
    const auto is_settled = [&](const Handed& done) {
        // Where it may only be said how far a consumer is, what is done early waits for the rest.
        if (dispatcher_->settles_in_order() && !in_hand_.empty() &&
            in_hand_.front().range.first < done.range.first) {
            return false;
        }
        dispatcher_->settle(change, done.range, done.kind);
        return has_settled = true;
    };
    if (dispatcher_->settles_in_order()) {
        std::ranges::sort(done_, {}, [](const Handed& done) { return done.range.first; });
    }
    std::erase_if(done_, is_settled);
    return has_settled;
}

CompletionKind Delivery::note_done(EventRange events, CompletionKind kind) {
    // What was handed out before the stop and ends after it was in flight when it came.
    const bool was_in_flight = is_draining_ && kind == CompletionKind::processed;
    done_.push_back({events, was_in_flight ? CompletionKind::emptied : kind});
    return done_.back().kind;
}

void Delivery::note_done(std::uint64_t done) {
    auto handed = in_hand_.begin();
    for (; done > 0; ++handed) {
        assert(handed != in_hand_.end());
        const std::uint64_t count = std::min(done, handed->range.size());
        note_done({handed->range.first, handed->range.first + count}, handed->kind);
        done -= count;
        handed->range.first += count;
        if (handed->range.size() > 0) {
            break;
        }
    }
    in_hand_.erase(in_hand_.begin(), handed);
}

CompletionKind Delivery::done(EventRange events) {
    const auto handed = std::ranges::find_if(in_hand_, [&](const Handed& each) {
        return each.range.first <= events.first && events.last <= each.range.last;
    });
    assert(handed != in_hand_.end());
    const CompletionKind kind = note_done(events, handed->kind);
    const Handed after{{events.last, handed->range.last}, handed->kind};
    handed->range.last = events.first;
    const auto next = handed->range.size() > 0 ? handed + 1 : in_hand_.erase(handed);
    if (after.range.size() > 0) {
        in_hand_.insert(next, after);
    }
    return kind;
}

void Delivery::put_back() {
    if (!in_hand_.empty()) {
        dispatcher_->put_back(in_hand_.front().range.first);
        in_hand_.clear();
    }
}

std::uint64_t Delivery::in_hand() const {
    std::uint64_t events = 0;
    for (const Handed& handed : in_hand_) {
        events += handed.range.size();
    }
    return events;
}

Dispatcher::Given Delivery::hand_out(const LedgerChange& change, std::uint64_t limit) {
    handed_.clear();
    if (is_to_hand_over_) {
        return {};  // what is in hand comes first
    }
    Dispatcher::Given given;
    if (segment_.header().drain_begun.load() == 0) {
        given = dispatcher_->give(change);
    }
    collect(*change, limit);
    if (handed_.empty() && has_drained_) {
        given = dispatcher_->give_in_drain(change, limit);
        collect(*change, limit);
    }
    expected_.reset();
    if (handed_.size() == 1 && handed_[0].size() == 1) {
        const std::uint64_t next = handed_[0].last;
        expected_ = {.event = next, .begin = segment_.begin_of(next)};
    }
    return given;
}

void Delivery::collect(const Ledger& ledger, std::uint64_t limit) {
    const std::size_t before = in_hand_.size();
    std::vector<EventRange>& in_hand = ranges_in_hand_;
    in_hand.clear();
    std::ranges::transform(in_hand_, std::back_inserter(in_hand), &Handed::range);
    kind_ = dispatcher_->collect(ledger, is_draining_, limit, in_hand, handed_);
    for (const EventRange& range : handed_) {
        in_hand_.push_back({range, kind_});
    }
    if (before > 0) {
        std::ranges::sort(in_hand_, {}, [](const Handed& handed) { return handed.range.first; });
    }
}

Delivery::Chunk Delivery::wait(std::uint64_t limit, const std::function<bool()>& is_over) {
    EventCount& event_count = segment_.header().events_available;
    while (true) {
        const std::uint32_t noted = event_count.prepare_wait();
        const Chunk chunk = turn(0, 0, limit);
        if (!chunk.is_empty() || is_over()) {
            return chunk;
        }
        event_count.wait(noted);
    }
}

Delivery::Drain Delivery::begin_drain() {
    const std::lock_guard guard(lock_);
    Header& header = segment_.header();
    const bool was_open = header.intake_closed.load() == 0;
    if (was_open) {
        header.intake_closed.store(1);
    }
    const Ledger& ledger = published_ledger(header);
    if (header.drain_begun.load() == 0) {
        header.stopped_given_end.store(ledger.given_end);
        header.drain_begun.store(1);
    }
    is_draining_ = true;
    return {.in_flight = dispatcher_->in_flight(ledger),
            .buffered = dispatcher_->buffered(ledger),
            .closed_intake = was_open};
}

std::vector<std::string_view> Delivery::begun_payloads() {
    const std::lock_guard guard(lock_);
    std::vector<std::string_view> payloads;
    for (const EventRange& range : dispatcher_->begun(published_ledger(segment_.header()))) {
        for (std::uint64_t event = range.first; event < range.last; ++event) {
            payloads.push_back(payload(event));
        }
    }
    return payloads;
}

bool Delivery::is_drained() const { return segment_.left() == 0; }

void Delivery::leave() {
    {
        const std::lock_guard guard(lock_);
        dispatcher_->leave();
    }
    segment_.header().events_available.notify();
    segment_.header().room_available.notify();
}

}  // namespace drainpipe
