#include "delivery.hpp"

#include <algorithm>
#include <cassert>
#include <limits>
#include <mutex>
#include <utility>

#include "retry_time.hpp"

namespace drainpipe {

std::uint64_t Delivery::Chunk::size() const {
    std::uint64_t events = 0;
    for (const EventRange& range : ranges) {
        events += range.size();
    }
    return events;
}

Delivery::Delivery(Segment& segment, unsigned consumer, IsGone is_gone,
                   Clock::duration idle_before_taking)
    : segment_(segment),
      lock_(segment),
      dispatcher_(Dispatcher::of(segment, consumer)),
      settles_in_order_(dispatcher_->settles_in_order()),
      may_fail_(segment.header().settings.may_fail()),
      has_keys_(segment.header().settings.dispatch == Dispatch::partition),
      takes_from_others_(dispatcher_->takes_from_others()),
      consumer_(consumer),
      idle_before_taking_(idle_before_taking),
      is_gone_(std::move(is_gone)),
      settled_for_(segment.header().scalings.load() - 1),
      held_(segment) {
    {
        const std::lock_guard guard(lock_);
        const LedgerChange change(segment_);
        dispatcher_->attach(change);
        change.publish();
        taken_over_ = dispatcher_->in_flight(*change);
        if (may_fail_) {
            held_.hold_given(*change, consumer_);
            taken_over_ -= held_.size();
        }
    }
    segment_.header().room_available.notify();
}

Delivery::Chunk Delivery::turn(std::uint64_t done, std::uint64_t asked, std::uint64_t limit) {
    if (limit > 0 && may_inherit()) {
        inherit();
    }
    visit(done, asked, limit);
    if (limit > 0 && handed_.empty() && may_inherit() && inherit()) {
        visit(0, 0, limit);
    }
    if (!handed_.empty()) {
        take_at_.reset();
    } else if (limit > 0 && may_take_from_others()) {
        const std::lock_guard guard(lock_);
        take_from_others(CompletionKind::processed, limit);
    }
    return {limit > 0 ? std::span<const EventRange>(handed_) : std::span<const EventRange>(),
            kind_};
}

void Delivery::visit(std::uint64_t done, std::uint64_t asked, std::uint64_t limit) {
    Header& header = segment_.header();
    const bool has_done = done > 0 || !done_.empty();
    Dispatcher::Given given;
    bool has_handed_over = false;
    if (limit > 0 && expected_ && expected_->event < header.tail.load()) {
        segment_.fetch(expected_->event, expected_->begin);
    }
    {
        const std::lock_guard guard(lock_);
        if (limit > 0 && (is_to_hand_over_ || header.scalings.load() != settled_for_)) {
            change_ledger(std::exchange(done, 0), 0, 0);
            has_handed_over = settle_scaling();
        }
        given = change_ledger(done, asked, limit);
        if (limit > 0 && handed_.empty() && is_draining_) {
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
    is_to_hand_over_ = has_keys_ && !in_hand_.empty();
    if (is_to_hand_over_) {
        return false;
    }
    const bool has_handed_over = !is_draining_ && dispatcher_->hand_over();
    if (has_handed_over && !held_.is_empty()) {
        forget_handed_over();
    }
    consumer_end_ = dispatcher_->consumer_end(published_ledger(header));
    return has_handed_over;
}

// It had asked again for those that held no demand any more, and hand_over() has for all.
void Delivery::forget_handed_over() {
    const std::uint64_t asked_again = held_.forget_taken(consumer_);
    const LedgerChange change(segment_);
    Part<std::uint64_t>& unmet = change.state_of(consumer_).unmet;
    unmet -= std::min(unmet.get(), asked_again);
    change.publish();
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
        // One that has come since has its role before it comes to the lock. This is the one
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

Dispatcher::Given Delivery::change_ledger(std::uint64_t done, std::uint64_t asked,
                                          std::uint64_t limit) {
    const LedgerChange change(segment_);
    settle_next(change, done);
    const bool has_settled = settle(change) || done > 0;
    change.state_of(consumer_).unmet += asked;
    const std::uint64_t retried = change->retried;
    const Dispatcher::Given given = limit > 0 ? hand_out(change, limit) : Dispatcher::Given{};
    if (has_settled || asked + given.events > 0 || given.has_looked_on ||
        change->retried != retried) {
        change.publish();
    }
    return given;
}

// A guess, without the lock: who takes looks again.
bool Delivery::may_take_from_others() {
    const Ledger& ledger = published_ledger(segment_.header());
    if (!takes_from_others_ || is_draining_ || is_to_hand_over_ || ledger.consumers_used < 2 ||
        ledger.given_end == ledger.head) {
        take_at_.reset();
        return false;
    }
    const Clock::time_point now = Clock::now();
    take_at_ = take_at_.value_or(now + idle_before_taking_);
    if (now < *take_at_) {
        return false;
    }
    take_at_ = now + 100 * idle_before_taking_;
    return true;
}

void Delivery::take_from_others(CompletionKind kind, std::uint64_t limit) {
    if (handed_.empty() && dispatcher_->take_from_others(kind, limit)) {
        change_ledger(0, 0, limit);
    }
}

bool Delivery::hand_out_more(std::uint64_t limit) {
    // What was in flight comes first, to whichever consumer.
    if (!has_drained_) {
        take_from_others(CompletionKind::emptied, limit);
    }
    if (handed_.empty() && !has_drained_ && !in_hand_.empty()) {
        return false;  // what was in flight is done before anything buffered is begun
    }
    bool has_given_to_others = false;
    if (handed_.empty()) {
        has_drained_ = true;
        has_given_to_others = change_ledger(0, 0, limit).to_others;
    }
    take_from_others(CompletionKind::drained, limit);
    return has_given_to_others;
}

void Delivery::settle_next(const LedgerChange& change, std::uint64_t done) {
    auto handed = in_hand_.begin();
    for (; done > 0; ++handed) {
        assert(handed != in_hand_.end());
        EventRange& range = handed->range;
        const std::uint64_t count = std::min(done, range.size());
        dispatcher_->settle(change, {range.first, range.first + count}, kind_of(*handed));
        done -= count;
        range.first += count;
        if (range.size() > 0) {
            break;
        }
    }
    if (handed == in_hand_.end()) {
        in_hand_.clear();
    } else {
        in_hand_.erase(in_hand_.begin(), handed);
    }
}

bool Delivery::settle(const LedgerChange& change) {
    if (done_.empty()) {
        return false;
    }
    auto first_kept = done_.end();
    if (settles_in_order_) {
        // Where it may only be said how far a consumer is, what is done early waits for the rest.
        std::ranges::sort(done_, {}, [](const Handed& done) { return done.range.first; });
        first_kept = std::ranges::find_if(done_, [&](const Handed& done) {
            return !in_hand_.empty() && in_hand_.front().range.first < done.range.first;
        });
    }
    const bool has_settled = first_kept != done_.begin();
    for (auto done = done_.begin(); done != first_kept; ++done) {
        dispatcher_->settle(change, done->range, done->kind);
    }
    done_.erase(done_.begin(), first_kept);
    return has_settled;
}

// What was handed out before the stop and ends after it was in flight when it came.
CompletionKind Delivery::kind_of(const Handed& handed) const {
    const bool was_in_flight = is_draining_ && handed.kind == CompletionKind::processed;
    return was_in_flight ? CompletionKind::emptied : handed.kind;
}

CompletionKind Delivery::done(EventRange events) {
    const CompletionKind kind = kind_of(take_handled(events));
    add_done(events, kind);
    return kind;
}

void Delivery::failed(std::uint64_t event, Clock::time_point retry_at) {
    const bool is_left = !has_another_try(event);
    const Handed handed = take_handled({event, event + 1});
    segment_.set_retry_time(event, to_retry_time(retry_at) | (is_left ? kTriedInDrain : 0));
    held_.hold({event, handed.kind, false, retry_at, is_left});
}

bool Delivery::has_another_try(std::uint64_t event) const {
    return !is_draining_ || find_in_hand(event)->holds_demand;
}

void Delivery::dead(std::uint64_t event) { end_undone(event, CompletionKind::dead); }

void Delivery::give_back(std::uint64_t event) { end_undone(event, CompletionKind::given_back); }

void Delivery::end_undone(std::uint64_t event, CompletionKind kind) {
    take_handled({event, event + 1});
    if (segment_.retry_time(event) != 0) {
        segment_.set_retry_time(event, 0);  // the event that takes its slot waits for none
    }
    add_done({event, event + 1}, kind);
}

std::vector<Delivery::Handed>::const_iterator Delivery::find_in_hand(std::uint64_t event) const {
    const auto after = std::ranges::upper_bound(
        in_hand_, event, {}, [](const Handed& handed) { return handed.range.first; });
    assert(after != in_hand_.begin() && event < (after - 1)->range.last);
    return after - 1;
}

Delivery::Handed Delivery::take_out_of_hand(EventRange events) {
    const auto handed = in_hand_.begin() + (find_in_hand(events.first) - in_hand_.cbegin());
    assert(events.last <= handed->range.last);
    const Handed taken{events, handed->kind, handed->holds_demand};
    const Handed after{{events.last, handed->range.last}, handed->kind, handed->holds_demand};
    if (events.first == handed->range.first) {
        if (after.range.size() > 0) {
            handed->range.first = events.last;
        } else {
            in_hand_.erase(handed);
        }
        return taken;
    }
    handed->range.last = events.first;
    if (after.range.size() > 0) {
        in_hand_.insert(handed + 1, after);
    }
    return taken;
}

Delivery::Handed Delivery::take_handled(EventRange events) {
    const Handed taken = take_out_of_hand(events);
    handled_ += taken.holds_demand ? events.size() : 0;
    return taken;
}

void Delivery::add_done(EventRange events, CompletionKind kind) {
    if (!done_.empty() && done_.back().range.last == events.first && done_.back().kind == kind) {
        done_.back().range.last = events.last;
    } else {
        done_.push_back({events, kind});
    }
}

// What is handed out as one range is one in hand: done() may be told of all of it.
void Delivery::hand(EventRange events, CompletionKind kind, bool holds_demand) {
    if (!handed_.empty() && handed_.back().last == events.first &&
        in_hand_.back().range.last == events.first && in_hand_.back().kind == kind &&
        in_hand_.back().holds_demand == holds_demand) {
        handed_.back().last = events.last;
        in_hand_.back().range.last = events.last;
    } else {
        handed_.push_back(events);
        in_hand_.push_back({events, kind, holds_demand});
    }
}

void Delivery::put_back() {
    if (!in_hand_.empty()) {
        const std::lock_guard guard(lock_);
        dispatcher_->put_back(in_hand_.front().range.first);
        in_hand_.clear();
    }
}

void Delivery::put_back(std::span<const EventRange> events) {
    for (const EventRange& range : events) {
        const Handed handed = take_out_of_hand(range);
        // With keys all are held: what was held for one of them is not to be handed out before it.
        const bool is_held = has_keys_ || !handed.holds_demand;
        for (std::uint64_t event = range.first; event < range.last && is_held; ++event) {
            held_.hold({event, handed.kind, handed.holds_demand, std::nullopt});
        }
    }
    const std::lock_guard guard(lock_);
    dispatcher_->put_back(in_hand_.empty() ? 0 : in_hand_.back().range.last);
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
        held_.forget_time();
        return {};  // what is in hand comes first
    }
    Dispatcher::Given given;
    if (segment_.header().drain_begun.load() == 0) {
        // Even shares, but none smaller than what one consumer works on and has ready meanwhile:
        // each has to be woken for it, and quick work is done before it is awake.
        given = dispatcher_->give(change, 2 * limit);
    }
    collect(change, limit);
    // What it is given may all wait for a retry: it has a try once there is nothing else.
    while (handed_.empty() && has_drained_) {
        const Dispatcher::Given more = dispatcher_->give_in_drain(change, limit);
        given.events += more.events;
        given.has_looked_on = given.has_looked_on || more.has_looked_on;
        collect(change, limit);
        if (!may_fail_ || more.events == 0) {
            break;
        }
    }
    expected_.reset();
    if (handed_.size() == 1 && handed_[0].size() == 1) {
        const std::uint64_t next = handed_[0].last;
        expected_ = {.event = next, .begin = segment_.begin_of(next)};
    }
    return given;
}

void Delivery::collect(const LedgerChange& change, std::uint64_t limit) {
    if (may_fail_) {
        collect_ready(change, limit);
    } else {
        collect_fresh(*change, limit);
    }
}

void Delivery::collect_fresh(const Ledger& ledger, std::uint64_t limit) {
    const std::size_t before = in_hand_.size();
    kind_ = dispatcher_->collect(ledger, is_draining_, limit, ranges_in_hand(), handed_);
    for (const EventRange& range : handed_) {
        in_hand_.push_back({range, kind_});
    }
    if (before > 0) {
        std::ranges::sort(in_hand_, {}, [](const Handed& handed) { return handed.range.first; });
    }
}

void Delivery::collect_ready(const LedgerChange& change, std::uint64_t limit) {
    const auto by_first = [](const Handed& handed) { return handed.range.first; };
    Partitions busy = partitions_in_hand();
    limit -= held_.hand_out(limit, is_draining_, busy, [&](const Held& held) {
        change->retried += held.retry_at ? 1 : 0;
        hand({held.event, held.event + 1}, held.kind, held.holds_demand);
    });
    while (limit > 0) {
        std::ranges::sort(in_hand_, {}, by_first);
        fresh_.clear();
        kind_ = dispatcher_->collect(*change, is_draining_, limit, ranges_in_hand(), fresh_);
        if (fresh_.empty()) {
            break;
        }
        for (const EventRange& range : fresh_) {
            limit -= hand_or_hold(range, busy);
        }
    }
    std::ranges::sort(in_hand_, {}, by_first);
}

std::uint64_t Delivery::hand_or_hold(EventRange events, Partitions& busy) {
    std::uint64_t count = 0;
    const auto hand_to = [&](std::uint64_t end) {
        if (events.first < end) {
            hand({events.first, end}, kind_, true);
            count += end - events.first;
        }
        events.first = end + 1;
    };
    const SharedBytes attempts = segment_.attempts();
    const auto next_to_look_at = [&](std::uint64_t event) {
        return has_keys_ ? event : attempts.end_of_run(event, events.last, 0);
    };
    for (std::uint64_t event = next_to_look_at(events.first); event < events.last;
         event = next_to_look_at(event + 1)) {
        const bool was_begun = attempts.load(event) != 0;
        const std::uint32_t time = was_begun ? segment_.retry_time(event) : 0;
        if (time != 0 && !is_withdrawn(event)) {
            hand_to(event);
            // Given back by another consumer: it holds no demand here either.
            ++handled_;
            held_.hold({event, kind_, false, from_retry_time(time, Clock::now()),
                        was_tried_in_drain(time)});
        } else if (has_keys_ && busy[held_.partition(event)]) {
            hand_to(event);
            held_.hold({event, kind_, true, std::nullopt});
        }
        if (has_keys_) {
            busy[held_.partition(event)] = true;
        }
    }
    hand_to(events.last);
    return count;
}

Delivery::Partitions Delivery::partitions_in_hand() const {
    Partitions partitions;
    for (const Handed& handed : in_hand_) {
        for (std::uint64_t event = handed.range.first; has_keys_ && event < handed.range.last;
             ++event) {
            partitions[held_.partition(event)] = true;
        }
    }
    return partitions;
}

const std::vector<EventRange>& Delivery::ranges_in_hand() {
    ranges_in_hand_.clear();
    auto held = held_.all().begin();
    const auto add_held_before = [&](std::uint64_t event) {
        for (; held != held_.all().end() && held->event < event; ++held) {
            ranges_in_hand_.push_back({held->event, held->event + 1});
        }
    };
    for (const Handed& handed : in_hand_) {
        add_held_before(handed.range.first);
        ranges_in_hand_.push_back(handed.range);
    }
    add_held_before(std::numeric_limits<std::uint64_t>::max());
    return ranges_in_hand_;
}

std::optional<Delivery::Clock::time_point> Delivery::next_time() const {
    const auto retry_at = held_.next_time();
    return retry_at && take_at_ ? std::min(*retry_at, *take_at_) : retry_at ? retry_at : take_at_;
}

std::chrono::nanoseconds Delivery::time_to_wait(std::uint64_t limit,
                                                std::optional<Clock::time_point> until) const {
    const auto next = limit > 0 ? next_time() : std::nullopt;
    const auto wake_at = next && until ? std::min(*next, *until) : next ? next : until;
    if (!wake_at) {
        return EventCount::kBackstop;
    }
    return std::clamp<std::chrono::nanoseconds>(*wake_at - Clock::now(),
                                                std::chrono::nanoseconds(0), EventCount::kBackstop);
}

Delivery::Chunk Delivery::wait(std::uint64_t limit, const std::function<bool()>& is_over,
                               std::optional<Clock::time_point> until) {
    EventCount& event_count = segment_.header().events_available;
    while (true) {
        const std::uint32_t noted = event_count.prepare_wait();
        const Chunk chunk = turn(0, 0, limit);
        if (!chunk.is_empty() || is_over() || (until && Clock::now() >= *until)) {
            return chunk;
        }
        event_count.wait(noted, time_to_wait(limit, until));
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
