#include "ring_reader.hpp"

#include <algorithm>
#include <cassert>
#include <mutex>
#include <utility>

namespace drainpipe {

std::uint64_t RingReader::Chunk::size() const {
    std::uint64_t events = 0;
    for (const EventRange& range : ranges) {
        events += range.size();
    }
    return events;
}

RingReader::RingReader(Segment& segment, unsigned consumer, IsGone is_gone)
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

RingReader::Chunk RingReader::turn(std::uint64_t done, std::uint64_t asked, std::uint64_t limit) {
    if (limit > 0 && may_inherit()) {
        inherit();
    }
    visit(done, asked, limit);
    if (limit > 0 && handed_.empty() && may_inherit() && inherit()) {
        visit(0, 0, limit);
    }
    return {handed_, stretch_};
}

void RingReader::visit(std::uint64_t done, std::uint64_t asked, std::uint64_t limit) {
    Header& header = segment_.header();
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
        if (limit > 0 && handed_.empty()) {
            given.to_others = hand_out_more(limit) || given.to_others;
        }
    }
    if (done > 0 || has_handed_over) {
        header.room_available.notify();
    }
    if (given.to_others || has_handed_over) {
        header.events_available.notify();
    }
}

bool RingReader::settle_scaling() {
    const Header& header = segment_.header();
    if (const std::uint32_t scalings = header.scalings.load(); scalings != settled_for_) {
        settled_for_ = scalings;
        inherited_.reset();
    }
    is_to_hand_over_ = false;
    const bool has_handed_over = !is_draining_ && dispatcher_->hand_over();
    consumer_end_ = dispatcher_->consumer_end(published_ledger(header));
    return has_handed_over;
}

bool RingReader::inherit() {
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

Dispatcher::Given RingReader::change_ledger(std::uint64_t done, std::uint64_t asked,
                                            std::uint64_t limit) {
    const LedgerChange change(segment_);
    settle(change, done);
    change.state_of(consumer_).unmet += asked;
    const Dispatcher::Given given = limit > 0 ? hand_out(change, limit) : Dispatcher::Given{};
    if (done + asked + given.events > 0 || given.has_looked_on) {
        change.publish();
    }
    return given;
}

bool RingReader::hand_out_more(std::uint64_t limit) {
    const auto take = [&](CompletionKind kind) {
        if (handed_.empty() && dispatcher_->take_from_others(kind, limit)) {
            change_ledger(0, 0, limit);
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
        has_given_to_others = change_ledger(0, 0, limit).to_others;
    }
    take(CompletionKind::drained);
    return has_given_to_others;
}

void RingReader::settle(const LedgerChange& change, std::uint64_t done) {
    while (done > 0) {
        assert(settled_runs_ < handed_.size());
        const EventRange& range = handed_[settled_runs_];
        const std::uint64_t first = range.first + settled_of_run_;
        const std::uint64_t last = first + std::min(done, range.last - first);
        dispatcher_->settle(change, {first, last}, stretch_);
        done -= last - first;
        settled_of_run_ += last - first;
        if (last == range.last) {
            ++settled_runs_;
            settled_of_run_ = 0;
        }
    }
}

Dispatcher::Given RingReader::hand_out(const LedgerChange& change, std::uint64_t limit) {
    handed_.clear();
    settled_runs_ = settled_of_run_ = 0;
    Dispatcher::Given given;
    if (segment_.header().drain_begun.load() == 0) {
        given = dispatcher_->give(change);
    }
    stretch_ = dispatcher_->collect(*change, is_draining_, limit, handed_);
    if (handed_.empty() && has_drained_) {
        given = dispatcher_->give_in_drain(change, limit);
        stretch_ = dispatcher_->collect(*change, is_draining_, limit, handed_);
    }
    expected_.reset();
    if (handed_.size() == 1 && handed_[0].size() == 1) {
        const std::uint64_t next = handed_[0].last;
        expected_ = {.event = next, .begin = segment_.begin_of(next)};
    }
    return given;
}

RingReader::Chunk RingReader::wait(std::uint64_t limit, const std::function<bool()>& is_over) {
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

RingReader::Drain RingReader::begin_drain() {
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
    dispatcher_->collect_again(ledger);
    return {.in_flight = dispatcher_->in_flight(ledger),
            .buffered = dispatcher_->buffered(ledger),
            .closed_intake = was_open};
}

std::vector<std::string_view> RingReader::begun_payloads() {
    const std::lock_guard guard(lock_);
    std::vector<std::string_view> payloads;
    for (const EventRange& range : dispatcher_->begun(published_ledger(segment_.header()))) {
        for (std::uint64_t event = range.first; event < range.last; ++event) {
            payloads.push_back(payload(event));
        }
    }
    return payloads;
}

bool RingReader::is_drained() const { return segment_.left() == 0; }

void RingReader::leave() {
    {
        const std::lock_guard guard(lock_);
        dispatcher_->leave();
    }
    segment_.header().events_available.notify();
    segment_.header().room_available.notify();
}

}  // namespace drainpipe
