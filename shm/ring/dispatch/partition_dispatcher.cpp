#include "partition_dispatcher.hpp"

#include <algorithm>
#include <bitset>

namespace drainpipe {

bool PartitionDispatcher::is_owner(const Ledger& ledger, std::uint64_t event) const {
    const EventState state = states_.at(event);
    return state.is_waiting() && ledger.partition_owner[state.partition()] == consumer_;
}

Dispatcher::Given PartitionDispatcher::give_own(const LedgerChange& change, std::uint64_t most,
                                                EventState state) const {
    const std::uint64_t end = tail();
    Part<std::uint64_t>& looked_to = change.state_of(consumer_).next;
    std::uint64_t next = std::max(looked_to.get(), change->head.get());
    Given given;
    while (given.events < most && next < end) {
        const std::uint64_t first = next;
        while (next < end && given.events < most && is_owner(*change, next)) {
            ++next;
            ++given.events;
        }
        if (first < next) {
            set_given(change, {first, next}, state);
        } else {
            ++next;
        }
    }
    given.has_looked_on = next != looked_to;
    looked_to = next;
    return given;
}

Dispatcher::Given PartitionDispatcher::give(const LedgerChange& change, std::uint64_t /*least*/) {
    Part<std::uint64_t>& unmet = change.state_of(consumer_).unmet;
    const Given given = give_own(change, unmet, given_);
    unmet -= given.events;
    return given;
}

Dispatcher::Given PartitionDispatcher::give_in_drain(const LedgerChange& change,
                                                     std::uint64_t most) {
    return give_own(change, most, given_in_drain_);
}

unsigned PartitionDispatcher::consumer_end(const Ledger& ledger) const {
    unsigned end = OwningDispatcher::consumer_end(ledger);
    for (unsigned partition = 0; partition < kMaxConsumers; ++partition) {
        end = std::max(end, ledger.partition_owner[partition] + 1);
    }
    return end;
}

bool PartitionDispatcher::hand_over() {
    const std::uint32_t consumers = header().consumers.load();
    std::bitset<kMaxConsumers> going;
    const Ledger ledger = read_ledger(header());
    for (unsigned partition = 0; partition < kMaxConsumers; ++partition) {
        going[partition] =
            ledger.partition_owner[partition] == consumer_ && partition % consumers != consumer_;
    }
    if (going.none()) {
        return false;
    }
    const std::uint64_t given_back =
        give_back(consumer_, [&](EventState state) { return going[state.partition()]; });
    const LedgerChange change(segment_);
    change.state_of(consumer_).unmet += given_back;  // it had asked for them
    move_partitions(change, consumer_, [&](unsigned partition) { return partition % consumers; });
    change.publish();
    return true;
}

void PartitionDispatcher::move_partitions(const LedgerChange& change, unsigned number,
                                          const std::function<unsigned(unsigned)>& owner_of) {
    for (unsigned partition = 0; partition < kMaxConsumers; ++partition) {
        if (change->partition_owner[partition] == number) {
            change->partition_owner.assign(partition, owner_of(partition));
        }
    }
}

void PartitionDispatcher::give_up(unsigned number) {
    OwningDispatcher::give_up(number);
    const LedgerChange change(segment_);
    move_partitions(change, number, [&](unsigned) { return consumer_; });
    change.publish();
}

void PartitionDispatcher::leave() {
    OwningDispatcher::leave();
    hand_over();
}

}  // namespace drainpipe
