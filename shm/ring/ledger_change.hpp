#pragma once

#include "segment.hpp"

namespace drainpipe {

// The ledger as it stands. Requires the ring's lock.
inline const Ledger& published_ledger(const Header& header) {
    return header.ledgers[header.ledger_changes.load() % 2];
}

// A change of the ledger: made on the unpublished copy, seen by nobody until publish().
// Requires the ring's lock.
class LedgerChange {
  public:
    explicit LedgerChange(const Segment& segment);

    Ledger& operator*() const { return ledger_; }
    Ledger* operator->() const { return &ledger_; }

    // The state of a consumer, in use from now on.
    ConsumerState& state_of(unsigned consumer) const {
        if (ledger_.consumers_used <= consumer) {
            use(consumer);
        }
        return ledger_.consumer_states[consumer];
    }

    // Makes the change hold, by one store; then sets back what it commits, and tells the producer
    // of the room. Killed in between, the next change does that. This object is used up.
    void publish() const;

  private:
    void use(unsigned consumer) const;

    const Segment& segment_;
    Header& header_;
    std::uint64_t changes_;
    Ledger& ledger_;
};

}  // namespace drainpipe
