#include "ledger.hpp"

#include <algorithm>
#include <atomic>

#include "layout.hpp"

namespace drainpipe {

void Ledger::copy_from(const Ledger& other, std::uint64_t state_count, Dispatch dispatch) {
    head = other.head;
    given_end = other.given_end;
    waiting_from = other.waiting_from;
    redelivered = other.redelivered;
    retried = other.retried;
    done = other.done;
    is_broadcast = other.is_broadcast;
    consumers_used = other.consumers_used;
    if (dispatch == Dispatch::demand) {
        for (std::uint64_t consumer = 0; consumer < state_count; ++consumer) {
            consumer_states[consumer].unmet = other.consumer_states[consumer].unmet;
        }
        return;
    }
    partition_owner = other.partition_owner;
    std::copy_n(other.consumer_states.begin(), state_count, consumer_states.begin());
}

Ledger read_ledger(const Header& header, std::uint64_t state_count) {
    Ledger ledger{};
    std::uint64_t changes = header.ledger_changes.load();
    while (true) {
        ledger.copy_from(header.ledgers[changes % 2], state_count, header.settings.dispatch);
        std::atomic_thread_fence(std::memory_order_acquire);
        const std::uint64_t changes_now = header.ledger_changes.load();
        if (changes_now == changes) {
            return ledger;
        }
        changes = changes_now;
    }
}

}  // namespace drainpipe
