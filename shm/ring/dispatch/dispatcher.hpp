#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "ledger_change.hpp"
#include "segment.hpp"

namespace drainpipe {

// Events [first, last).
struct EventRange {
    std::uint64_t first;
    std::uint64_t last;

    std::uint64_t size() const { return last - first; }
};

// Who gets which events, as a consumer carries it out: there is one for each kind of Dispatch.
//
// Every call but begin(), attempt() and consumer_end() requires the ring's lock. Those
// that are given a change of the ledger set states at once and leave the ledger to that change:
// killed between the two, states of events that the ledger doesn't know as given are taken back
// (see RingLock), states of done events stand and are passed by the next consumer of that number.
// hand_over(), give_up() and leave() publish changes of their own.
class Dispatcher {
  public:
    static std::unique_ptr<Dispatcher> of(const Segment& segment, unsigned consumer);
    virtual ~Dispatcher() = default;

    // Takes the consumer's state over, with what is in flight to it, and without its
    // demand. Counts as redelivered what a dead process had begun.
    virtual void attach(const LedgerChange& change) = 0;

    struct Given {
        std::uint64_t events = 0;
        bool to_others = false;      // who may be asleep
        bool has_looked_on = false;  // past events that it need not look at again
    };
    // Gives what waits to the consumers that it is for, as far as there is demand; in no smaller
    // pieces than `least`, where that many wait and were asked for.
    virtual Given give(const LedgerChange& change, std::uint64_t least) = 0;

    // Gives this consumer at most `most` events of what the stop found buffered.
    virtual Given give_in_drain(const LedgerChange& change, std::uint64_t most) = 0;

    // Appends the next events in flight to this consumer, at most `limit`, all of the kind that
    // it returns; none of those `in_hand`, which are in order.
    virtual CompletionKind collect(const Ledger& ledger, bool is_draining, std::uint64_t limit,
                                   const std::vector<EventRange>& in_hand,
                                   std::vector<EventRange>& ranges) = 0;
    // What was appended from that event on and is not done is to be appended again.
    virtual void put_back(std::uint64_t /*first*/) {}
    // Whether settle() has to be called for events in order.
    virtual bool settles_in_order() const { return false; }

    // Whether take_from_others() can find anything.
    virtual bool takes_from_others() const { return false; }
    // Takes events of a kind that others were given and have not in hand, where this one has
    // nothing else of it to do: at most `most`, before the drain no more than it has asked for.
    // Whether there was any. Publishes changes of its own.
    virtual bool take_from_others(CompletionKind /*kind*/, std::uint64_t /*most*/) { return false; }

    // The work on these events is done.
    virtual void settle(const LedgerChange& change, EventRange done, CompletionKind kind) = 0;

    virtual std::uint64_t in_flight(const Ledger& ledger) const = 0;
    virtual std::uint64_t buffered(const Ledger& ledger) const = 0;

    // Counts an attempt at each of these events, before the work on them.
    virtual void begin(EventRange events) = 0;
    virtual std::uint32_t attempt(std::uint64_t event) const = 0;

    // Hands over what is another consumer's since their number changed; whether there was anything.
    // Requires that nothing is begun and not done.
    virtual bool hand_over() { return false; }

    // Consumers of this number and those that follow have nothing.
    virtual unsigned consumer_end(const Ledger& ledger) const {
        return static_cast<unsigned>(ledger.consumers_used);
    }

    // Gives another consumer's state up on its behalf: what is in flight to it goes to
    // others, what was meant for it alone to this one. Requires that no process has that number and
    // will do work before the number of consumers changes.
    virtual void give_up(unsigned number) = 0;

    // What any consumer has begun, and not done.
    virtual std::vector<EventRange> begun(const Ledger& ledger) const = 0;

    // Gives the consumer's state up, with its demand. What is in flight to it goes to
    // others, where others do not get it anyway.
    virtual void leave() = 0;

  protected:
    // Of an event without a key.
    static constexpr EventState kWaiting = EventState::waiting(0);

    Dispatcher(const Segment& segment, unsigned consumer)
        : segment_(segment), states_(segment.states()), consumer_(consumer) {}

    Header& header() const { return segment_.header(); }
    std::uint64_t tail() const { return header().tail.load(); }

    const Segment& segment_;
    const EventStates states_;
    const unsigned consumer_;
};

}  // namespace drainpipe
