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

    // Gives to this consumer alone: no other one may have its events.
    Given give(const LedgerChange& change, std::uint64_t least) override;
    Given give_in_drain(const LedgerChange& change, std::uint64_t most) override;
    unsigned consumer_end(const Ledger& ledger) const override;
    void give_up(unsigned number) override;
    void leave() override;
    bool hand_over() override;

  private:
    bool is_owner(const Ledger& ledger, std::uint64_t event) const;
    Given give_own(const LedgerChange& change, std::uint64_t most, EventState state) const;
    // Names the new owner of each partition of a consumer, that one itself where it stays.
    static void move_partitions(const LedgerChange& change, unsigned number,
                                const std::function<unsigned(unsigned)>& owner_of);
};

}  // namespace drainpipe
