#pragma once

#include "owning_dispatcher.hpp"

namespace drainpipe {

// Events with the same key are of one partition, a partition has one consumer at a time, and that
// consumer does its events in order. When the number of consumers changes, a partition moves
// between two chunks of the one that has it, with everything of it that is not done.
class PartitionDispatcher final : public OwningDispatcher {
  public:
    PartitionDispatcher(const Segment& segment, unsigned consumer)
        : OwningDispatcher(segment, consumer) {}

    // Gives to this consumer alone: nobody else may have its events.
    Given give(const LedgerChange& change) override;
    Given give_in_drain(const LedgerChange& change, std::uint64_t most) override;
    void leave() override;

    bool is_to_hand_over() const override;
    void hand_over() override;

  private:
    bool is_owner(const Ledger& ledger, std::uint64_t event) const;
    Given give_own(const LedgerChange& change, std::uint64_t most, Mark mark) const;

    std::uint32_t settled_for_ = 0;  // the number of consumers that partitions were moved for
};

}  // namespace drainpipe
