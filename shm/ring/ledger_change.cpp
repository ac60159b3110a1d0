#include "ledger_change.hpp"

#include <algorithm>
#include <atomic>
#include <cassert>

namespace drainpipe {

LedgerChange::LedgerChange(const Segment& segment)
    : segment_(segment),
      header_(segment.header()),
      changes_(header_.ledger_changes.load()),
      ledger_(header_.ledgers[(changes_ + 1) % 2]) {
    const Ledger& holding = header_.ledgers[changes_ % 2];
    const std::uint64_t consumer_states =
        std::min<std::uint64_t>(holding.consumers_used, kMaxConsumers);
    // The last change holds before this one touches the copy that it replaced.
    std::atomic_thread_fence(std::memory_order_release);
    FaultPoint::here().reached();
    ledger_.copy_from(holding, consumer_states, header_.settings.dispatch);
}

void LedgerChange::use(unsigned consumer) const {
    for (; ledger_.consumers_used <= consumer; ledger_.consumers_used += 1) {
        ledger_.consumer_states[ledger_.consumers_used] = ConsumerState{};
    }
}

void LedgerChange::publish() const {
    assert(ledger_.head <= ledger_.waiting_from && ledger_.head <= ledger_.given_end);
    assert(ledger_.waiting_from <= header_.tail.load() && ledger_.given_end <= header_.tail.load());
    FaultPoint::here().reached();
    header_.ledger_changes.store(changes_ + 1);
    // A process that sees what is set back below sees the change, too.
    std::atomic_thread_fence(std::memory_order_release);
    if (const std::uint64_t told = header_.head.load(); told != ledger_.head) {
        if (!segment_.is_tracked()) {  // else the source has yet to see what became of them
            segment_.forget(told, ledger_.head);
        }
        header_.head.store(ledger_.head);
    }
}

}  // namespace drainpipe
