#pragma once

#include "owning_dispatcher.hpp"

namespace drainpipe {

// Whoever has the most unmet demand is served first, with all that it asked for; of equals the one
// with the lower number.
// Rule: GenStage, GenStage.DemandDispatcher (https://hexdocs.pm/gen_stage).
class DemandDispatcher final : public OwningDispatcher {
  public:
    DemandDispatcher(const Segment& segment, unsigned consumer)
        : OwningDispatcher(segment, consumer) {}

    Given give(const LedgerChange& change) override;

    // The nearer the end, the less at a time: so that all consumers come to the end together.
    Given give_in_drain(const LedgerChange& change, std::uint64_t most) override;

  private:
    // The next events that wait, at most `most` of them, none where none waits.
    Run next_waiting(Ledger& ledger, std::uint64_t most) const;
};

}  // namespace drainpipe
