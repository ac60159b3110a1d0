#pragma once

#include <bitset>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "dispatch/dispatcher.hpp"
#include "held_events.hpp"
#include "ring_lock.hpp"
#include "segment.hpp"

namespace drainpipe {

// A consumer's end of the ring: the events that it was handed, and what becomes of them. Asks for
// events, hands some out, takes the outcome of each, in any order, and takes part in the drain;
// what it is given its Dispatcher says.
//
// In flight is what the segment says was given to this consumer; in hand is what of it was handed
// out and has no outcome yet, which only this process knows. Payloads are read in place, without
// the lock: they have one owner, or are not changed before all have done them. Where work may fail
// (Settings::may_fail), what failed stays in flight and waits for its retry, while others go on;
// with keys those of its partition wait with it, and one of a partition is in hand at a time, so
// that they are done in order whatever fails. Killed between any
// two stores, what is in flight to this consumer is its successor's. Requires that it is the only
// one with its number, in one thread.
class Delivery {
  public:
    using Clock = std::chrono::steady_clock;

    // Whether no process has the number of another consumer. A process has to have it before it
    // makes its Delivery, and until it needs it no more.
    using IsGone = std::function<bool(unsigned)>;

    // A consumer that has had nothing for so long takes what another one was given and has not in
    // hand, and if that was in vain looks again after a hundred times as long. Work that takes next
    // to no time is done by then, and is left where it is.
    static constexpr std::chrono::milliseconds kIdleBeforeTaking{1};

    // Takes over what an earlier consumer of that number, from 0, had in flight. Events that it had
    // begun and not committed will be begun again; that is counted now, before any work on them.
    explicit Delivery(
        Segment& segment, unsigned consumer = 0, IsGone is_gone = [](unsigned) { return false; },
        Clock::duration idle_before_taking = kIdleBeforeTaking);

    // The consumer's, from 0.
    unsigned number() const { return consumer_; }

    // Events that were just handed out, in order; valid until others are.
    struct Chunk {
        std::span<const EventRange> ranges;
        CompletionKind kind;

        bool is_empty() const { return ranges.empty(); }
        std::uint64_t size() const;
    };

    // How many events were in flight to it when it came, but those that wait for a retry: they hold
    // no demand.
    std::uint64_t taken_over() const { return taken_over_; }

    // The work on these events, which are in hand, is done: they are committed with the next
    // turn(). Returns the kind of the run that they count for. Requires that they were handed
    // out in one.
    CompletionKind done(EventRange events);

    // The work on this event, which is in hand, has failed: it is handed out again at that time or
    // later; or is left for the next run, where it has no other try in this one.
    void failed(std::uint64_t event, Clock::time_point retry_at);
    // Whether this event, which is in hand, has another try in this run should it fail: in the
    // drain there is one, at once.
    bool has_another_try(std::uint64_t event) const;

    // This event, which is in hand, is given up, as done() has it.
    void dead(std::uint64_t event);

    // This event, which is in hand and not begun by this process, was withdrawn by its source: it
    // is given back, as done() has it.
    void give_back(std::uint64_t event);
    // Whether it was. To be asked between a look at the lease and the work.
    bool is_withdrawn(std::uint64_t event) const {
        return segment_.is_tracked() && segment_.marks().load(event) != 0;
    }

    // Whether this event, which is in hand and not begun, was handed out for a retry.
    bool waited_for_retry(std::uint64_t event) const { return segment_.retry_time(event) != 0; }

    // How many events that were handed out for the first time have come to an outcome since this
    // was asked last: they hold no demand any more.
    std::uint64_t take_handled() { return std::exchange(handled_, 0); }

    // One visit to the lock: commits what is done, with the next `done` events in hand, adds
    // `asked` to this consumer's demand, and hands out up to `limit` events more, of one kind.
    // After begin_drain() it needs no demand, and hands out what is in flight first. What consumers
    // had that are gone, and not to be there any more, goes to those that are there. Requires that
    // the events that are done were begun, and that what was done with them has had its effect.
    Chunk turn(std::uint64_t done, std::uint64_t asked, std::uint64_t limit);

    // When turn() may find more though nothing was notified.
    std::optional<Clock::time_point> next_time() const;

    // Sleeps until there is a chunk for this consumer, or `is_over()` is true, or it is so late: an
    // empty one then. What makes is_over() true must notify the segment's events_available after
    // it.
    Chunk wait(std::uint64_t limit, const std::function<bool()>& is_over,
               std::optional<Clock::time_point> until = std::nullopt);

    // Notes that the work on these events, which are in hand, is about to begin. To be called
    // before the work: what is not begun is not marked as repeated when this process dies.
    void begin(EventRange events) { dispatcher_->begin(events); }
    // The same for one event, which may have failed before.
    void begin_attempt(std::uint64_t event) {
        if (!may_fail_) {
            begin({event, event + 1});
            return;
        }
        // Killed in between, it was not begun: the next consumer begins this very attempt.
        if (segment_.retry_time(event) != 0) {
            segment_.set_retry_time(event, 0);
        }
        segment_.attempts().count_up(event, event + 1);
    }
    // The same where it may fail and no work on it was begun before; false, and nothing is noted,
    // where it was.
    [[nodiscard]] bool begin_first(std::uint64_t event) {
        if (segment_.attempts().load(event) != 0) {
            return false;
        }
        segment_.attempts().store(event, 1);
        return true;
    }
    // The same for the first of these events, up to one that was begun before; returns where it has
    // stopped.
    [[nodiscard]] std::uint64_t begin_first(EventRange events) {
        const SharedBytes attempts = segment_.attempts();
        const std::uint64_t end = attempts.end_of_run(events.first, events.last, 0);
        attempts.fill(events.first, end, 1);
        return end;
    }
    // How often the work on it was begun, where it may fail: as attempt() has it.
    std::uint32_t attempts_begun(std::uint64_t event) const {
        return segment_.attempts().load(event);
    }

    // Commits what is done, with the next `done` events in hand.
    void commit(std::uint64_t done) { turn(done, 0, 0); }

    // Takes out of hand what is not done: it will be handed out again. Requires that no work on it
    // is under way.
    void put_back();
    // The same for these events alone, which are ranges of the last chunk and not begun: another
    // consumer may take them. Only where work may fail.
    void put_back(std::span<const EventRange> events);

    std::uint64_t in_hand() const;
    // Whether any event waits here for its retry, or for another one that does.
    bool has_held() const { return !held_.is_empty(); }

    std::string_view payload(std::uint64_t event) const { return segment_.payload(event); }
    // What its source has said of it besides.
    std::string_view attributes(std::uint64_t event) const {
        return segment_.trailed_payload(event).attributes;
    }
    // Calls `take` with the payload of each of these events, in order.
    template <typename Take>
    void each_payload(EventRange events, Take take) const {
        segment_.each_payload(events.first, events.last, take);
    }

    // Which attempt at the event this is: 1, and one more for each that failed, or whose process
    // died. How many there were, before it is begun, where work may fail.
    std::uint32_t attempt(std::uint64_t event) const { return dispatcher_->attempt(event); }

    struct Drain {
        std::uint64_t in_flight;  // to this consumer
        std::uint64_t buffered;
        bool closed_intake;  // the intake was still open
    };

    // Closes the intake and notes where the drain begins, if no consumer has done so before. What
    // is in hand from here on was in flight when the stop came.
    Drain begin_drain();

    // The payloads of all events that a consumer of any number has begun and not done.
    std::vector<std::string_view> begun_payloads();

    // From now on no consumer is started again: what a departed one had is for those that are
    // left. (In a broadcast each has its own, and what is left of it waits for the next run.)
    void expect_no_other() { expects_no_other_ = true; }

    // Whether every accepted event is committed.
    bool is_drained() const;

    // Gives this consumer's demand up, and what is in flight to it back. Requires that no work is
    // under way, and that what is done is committed.
    void leave();

  private:
    // Events with the kind in which they were handed out.
    struct Handed {
        EventRange range;
        CompletionKind kind;
        bool holds_demand = true;
    };
    using Held = HeldEvents::Held;
    using Partitions = HeldEvents::Partitions;

    // One visit to the lock.
    void visit(std::uint64_t done, std::uint64_t asked, std::uint64_t limit);
    // Brings what it has, and knows of others, in line with the target count of consumers;
    // whether it handed something over.
    bool settle_scaling();
    void forget_handed_over();
    // Whether any consumer may have something that is not to be there any more.
    bool may_inherit() const {
        return expects_no_other_ || segment_.header().consumers.load() < consumer_end_;
    }
    // Gives up on behalf of those that are gone for good; whether there were any.
    bool inherit();
    // What visit() does under the lock, as one change of the ledger.
    Dispatcher::Given change_ledger(std::uint64_t done, std::uint64_t asked, std::uint64_t limit);
    // The next `done` events in hand are done.
    void settle_next(const LedgerChange& change, std::uint64_t done);
    // Settles what done() was told of, as far as it may be; whether there was any.
    bool settle(const LedgerChange& change);
    void end_undone(std::uint64_t event, CompletionKind kind);
    CompletionKind kind_of(const Handed& handed) const;
    // Takes these events, which are in hand, out of it.
    std::vector<Handed>::const_iterator find_in_hand(std::uint64_t event) const;
    Handed take_out_of_hand(EventRange events);
    // The same for what has come to an outcome.
    Handed take_handled(EventRange events);
    void add_done(EventRange events, CompletionKind kind);
    void hand(EventRange events, CompletionKind kind, bool holds_demand);
    // Takes in hand, or holds, what is given and was not handed out before; how many are in hand.
    std::uint64_t hand_or_hold(EventRange events, Partitions& busy);
    // In the drain, where there is nothing in flight to this one: looks with the others, and among
    // what is buffered. Whether others were given something too.
    bool hand_out_more(std::uint64_t limit);
    std::chrono::nanoseconds time_to_wait(std::uint64_t limit,
                                          std::optional<Clock::time_point> until) const;
    // Whether it has had nothing for long enough, and another one may have something for it.
    bool may_take_from_others();
    void take_from_others(CompletionKind kind, std::uint64_t limit);
    // Takes in hand what is in flight to this one and is not yet, at most `limit`.
    void collect(const LedgerChange& change, std::uint64_t limit);
    void collect_fresh(const Ledger& ledger, std::uint64_t limit);
    // The same where work may fail: what is held and due first.
    void collect_ready(const LedgerChange& change, std::uint64_t limit);
    // With keys: those of what is in hand.
    Partitions partitions_in_hand() const;
    // What the dispatcher is not to collect: in hand or held, in order.
    const std::vector<EventRange>& ranges_in_hand();
    // Fills `handed_`; whether others were given something too.
    Dispatcher::Given hand_out(const LedgerChange& change, std::uint64_t limit);

    Segment& segment_;
    RingLock lock_;
    std::unique_ptr<Dispatcher> dispatcher_;
    bool settles_in_order_;
    bool may_fail_;
    bool has_keys_;
    bool takes_from_others_;
    unsigned consumer_;
    bool is_draining_ = false;
    bool has_drained_ = false;  // or is about to: nothing that was in flight follows
    std::uint64_t taken_over_ = 0;
    Clock::duration idle_before_taking_;
    std::optional<Clock::time_point> take_at_;  // while it has nothing

    // Of consumers above the target count.
    IsGone is_gone_;
    bool expects_no_other_ = false;
    std::uint32_t settled_for_;  // the scaling that this one has taken up
    bool is_to_hand_over_ = false;
    unsigned consumer_end_ = 0;  // who may have something
    std::bitset<kMaxConsumers> inherited_;

    std::vector<EventRange> handed_;  // by the last turn
    CompletionKind kind_ = CompletionKind::processed;
    std::vector<Handed> in_hand_;             // in order
    std::vector<EventRange> ranges_in_hand_;  // of `in_hand_`, while it is added to
    std::vector<Handed> done_;                // and not committed
    HeldEvents held_;
    std::vector<EventRange> fresh_;  // while they are looked at
    std::uint64_t handled_ = 0;

    // The event that the next chunk probably is, where they come one by one.
    struct Expected {
        std::uint64_t event;
        std::uint32_t begin;  // of its payload
    };
    std::optional<Expected> expected_;
};

}  // namespace drainpipe
