#include "partition_dispatcher.hpp"

#include <algorithm>

namespace drainpipe {

bool PartitionDispatcher::is_owner(const Ledger& ledger, std::uint64_t event) const {
    const Mark mark = marks_.at(event);
    return mark.is_waiting() && ledger.partition_owner[mark.partition()] == consumer_;
}

Dispatcher::Given PartitionDispatcher::give_own(const LedgerChange& change, std::uint64_t most,
                                                Mark mark) const {
    const std::uint64_t end = tail();
    std::uint64_t& next = change.seat(consumer_).next;
    const std::uint64_t before = next;
    next = std::max(next, change->head);
    Given given;
    while (given.events < most && next < end) {
        const std::uint64_t first = next;
        while (next < end && given.events < most && is_owner(*change, next)) {
            ++next;
            ++given.events;
        }
        if (first < next) {
            mark_given(change, {first, next}, mark);
        } else {
            ++next;
        }
    }
    given.has_looked_on = next != before;
    return given;
}

Dispatcher::Given PartitionDispatcher::give(const LedgerChange& change) {
    std::uint64_t& unmet = change.seat(consumer_).unmet;
    const Given given = give_own(change, unmet, given_);
    unmet -= given.events;
    return given;
}

Dispatcher::Given PartitionDispatcher::give_in_drain(const LedgerChange& change,
                                                     std::uint64_t most) {
    return give_own(change, most, given_in_drain_);
}

bool PartitionDispatcher::is_to_hand_over() const {
    return header().consumers.load() != settled_for_;
}

void PartitionDispatcher::hand_over() {
    const std::uint32_t consumers = header().consumers.load();
    settled_for_ = consumers;
    const Ledger ledger = read_ledger(header());
    const auto goes = [&](unsigned partition) {
        return ledger.partition_owner[partition] == consumer_ && partition % consumers != consumer_;
    };
    give_back([&](Mark mark) { return goes(mark.partition()); });
    const LedgerChange change(segment_);
    for (unsigned partition = 0; partition < kMostConsumers; ++partition) {
        if (goes(partition)) {
            change->partition_owner[partition] = static_cast<std::uint8_t>(partition % consumers);
        }
    }
    change.publish();
}

void PartitionDispatcher::leave() {
    OwningDispatcher::leave();
    hand_over();
}

}  // namespace drainpipe
