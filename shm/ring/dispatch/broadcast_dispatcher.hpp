#pragma once

#include <optional>
#include <span>

#include "dispatcher.hpp"

namespace drainpipe {

// Every consumer gets every event, at the pace of the one that asks for the least. An event is
// committed when all have done it; each state keeps how far its consumer is.
// Rule: GenStage, GenStage.BroadcastDispatcher (https://hexdocs.pm/gen_stage).
class BroadcastDispatcher final : public Dispatcher {
  public:
    BroadcastDispatcher(const Segment& segment, unsigned consumer)
        : Dispatcher(segment, consumer) {}

    // A number that no consumer had in this run begins after what was given so far.
    void attach(const LedgerChange& change) override;
    Given give(const LedgerChange& change, std::uint64_t least) override;
    // Gives all of it, to all.
    Given give_in_drain(const LedgerChange& change, std::uint64_t most) override;
    CompletionKind collect(const Ledger& ledger, bool is_draining, std::uint64_t limit,
                           const std::vector<EventRange>& in_hand,
                           std::vector<EventRange>& ranges) override;
    void put_back(std::uint64_t first) override;
    bool settles_in_order() const override { return true; }
    void settle(const LedgerChange& change, EventRange done, CompletionKind kind) override;
    std::uint64_t in_flight(const Ledger& ledger) const override;
    std::uint64_t buffered(const Ledger& ledger) const override;
    void begin(EventRange events) override;
    // Counts the deaths since the consumer last got further, for all that its dead process had
    // begun: exact for the event that it died of. And those of runs with another dispatch.
    std::uint32_t attempt(std::uint64_t event) const override;
    std::vector<EventRange> begun(const Ledger& ledger) const override;
    // Where the consumers became fewer the others wait for one that is gone no longer.
    void give_up(unsigned number) override;
    void leave() override;

  private:
    // Gives as many of the next events, which wait, as all have asked for; returns how many.
    static std::uint64_t give_run(Ledger& ledger, std::uint64_t events);
    // The first event from there on that no earlier run has done.
    std::uint64_t past_done(std::uint64_t event) const;
    // Moves the head to where all have come, and counts what that commits: for the kind in which
    // the last one did it, where one did.
    void move_head(const LedgerChange& change, std::optional<CompletionKind> kind) const;
    // Tells when what no consumer is waited for any more is committed.
    CompletionKind kind_now(std::uint64_t event) const;

    std::uint64_t handed_to_ = 0;    // events before it were collected
    std::uint64_t repeated_to_ = 0;  // a dead process had begun events before it
    std::uint32_t deaths_ = 0;
};

}  // namespace drainpipe
