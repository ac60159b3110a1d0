#pragma once

#include "owning_dispatcher.hpp"

namespace drainpipe {

// What waits is dealt out in even shares among those that have asked, the one with the most unmet
// demand first, of equals the one with the lower number; none gets more than it asked for. What a
// busy one was given and has not in hand goes to one that has nothing to do.
// Rule of who is first: GenStage, GenStage.DemandDispatcher (https://hexdocs.pm/gen_stage).
class DemandDispatcher final : public OwningDispatcher {
  public:
    DemandDispatcher(const Segment& segment, unsigned consumer)
        : OwningDispatcher(segment, consumer) {}

    void attach(const LedgerChange& change) override;
    Given give(const LedgerChange& change, std::uint64_t least) override;
    // Has in hand what it collects.
    CompletionKind collect(const Ledger& ledger, bool is_draining, std::uint64_t limit,
                           const std::vector<EventRange>& in_hand,
                           std::vector<EventRange>& ranges) override;
    // Takes half of what the one with the most of it has not in hand, the youngest first.
    bool takes_from_others() const override { return true; }
    void put_back(std::uint64_t first) override;
    bool take_from_others(CompletionKind kind, std::uint64_t most) override;

    // The nearer the end, the less at a time: so that all consumers come to the end together.
    Given give_in_drain(const LedgerChange& change, std::uint64_t most) override;

  private:
    // Whether it is an event of that kind that another one was given and has not in hand.
    bool is_free(std::uint64_t event, CompletionKind kind) const;
    // Of events: who has the most that are free, and how many those are.
    struct Busiest {
        unsigned number;
        std::uint64_t free;
    };
    Busiest busiest(EventRange events, CompletionKind kind) const;
    // The next events that wait, at most `most` of them, none where none waits.
    EventRange next_waiting(Ledger& ledger, std::uint64_t most) const;
};

}  // namespace drainpipe
