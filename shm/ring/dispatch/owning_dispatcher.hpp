#pragma once

#include <functional>

#include "dispatcher.hpp"

namespace drainpipe {

// Where each event has one consumer: its state says which. In flight is what is marked as given to
// it, whatever process took the state then, so a dead one's events are its successor's.
class OwningDispatcher : public Dispatcher {
  public:
    void attach(const LedgerChange& change) override;
    CompletionKind collect(const Ledger& ledger, bool is_draining, std::uint64_t limit,
                           const std::vector<EventRange>& in_hand,
                           std::vector<EventRange>& ranges) override;
    void settle(const LedgerChange& change, EventRange done, CompletionKind kind) override;
    std::uint64_t in_flight(const Ledger& ledger) const override;
    std::uint64_t buffered(const Ledger& ledger) const override;
    void begin(EventRange events) override;
    std::uint32_t attempt(std::uint64_t event) const override;
    std::vector<EventRange> begun(const Ledger& ledger) const override;
    void give_up(unsigned number) override;
    void leave() override;

  protected:
    OwningDispatcher(const Segment& segment, unsigned consumer)
        : Dispatcher(segment, consumer),
          given_(EventState::given(consumer)),
          given_in_drain_(EventState::given_in_drain(consumer)) {}

    // Marks these events, which wait, as given to that consumer.
    void set_given(const LedgerChange& change, EventRange events, EventState state) const;

    // Marks as waiting again what is given to a consumer and goes, by its new state. From the
    // last to the first: killed in between, what is still given comes before what waits, and
    // the process that goes on does both in order. Returns how many.
    std::uint64_t give_back(unsigned number, const std::function<bool(EventState)>& goes) const;

    const EventState given_;
    const EventState given_in_drain_;

  private:
    // Moves the head over what is done, by this consumer or another: one that was killed between
    // its states and its change of the ledger has left that to be done.
    void pass_done(const LedgerChange& change) const;

    // Makes all consumers look from the head on for what waits for them.
    void look_from_head() const;

    // Takes over what a consumer that has no process had, without its demand.
    void take_over(const LedgerChange& change, unsigned number) const;

    // What is in flight to a consumer, in order.
    std::vector<EventRange> given_events(const Ledger& ledger, unsigned number) const;

    void collect_in_state(const Ledger& ledger, EventState state, std::uint64_t limit,
                          const std::vector<EventRange>& in_hand,
                          std::vector<EventRange>& ranges) const;

    EventRange last_begun_{};  // by this process
};

}  // namespace drainpipe
