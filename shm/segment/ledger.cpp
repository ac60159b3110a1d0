#include "ledger.hpp"

#include <atomic>
#include <cstring>

#include "layout.hpp"

namespace drainpipe {

Ledger read_ledger(const Header& header) {
    Ledger ledger{};
    std::uint64_t changes = header.ledger_changes.load();
    while (true) {
        std::memcpy(&ledger, &header.ledgers[changes % 2], offsetof(Ledger, seats));
        std::atomic_thread_fence(std::memory_order_acquire);
        const std::uint64_t changes_now = header.ledger_changes.load();
        if (changes_now == changes) {
            return ledger;
        }
        changes = changes_now;
    }
}

}  // namespace drainpipe
