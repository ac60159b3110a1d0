#pragma once

#include <cstdint>
#include <string>

#include "event_state.hpp"
#include "layout.hpp"

namespace drainpipe {

// What became of the events of a run.
// Always accepted = processed + emptied + drained + dead + left, and left = in_flight + buffered.
struct Account {
    std::uint64_t accepted;   // by this run, and what it recovered, but for what was given back
    std::uint64_t processed;  // committed before the drain began
    std::uint64_t emptied;    // in flight when it began, committed since
    std::uint64_t drained;    // buffered when it began, committed since
    std::uint64_t dead;       // given up: among the dead letters
    std::uint64_t left;
    std::uint64_t redelivered;
    std::uint64_t retried;  // attempts after a failure
    std::uint64_t in_flight;
    std::uint64_t buffered;
    std::uint64_t given_back;  // to their source, undone; not among those that were accepted

    std::uint64_t done() const { return processed + emptied + drained; }
};

// Read while others go on: what it says was true a moment ago, and the sums are right.
Account account_of(const Header& header, const EventStates& states);

// "accepted=A processed=P emptied=E drained=D left=L redelivered=R dead=X retried=T", and
// "given_back=G" where there are any.
std::string to_text(const Account& account);

// What those read who only look: the parts of a segment before its payloads.
struct SegmentFront {
    const Header& header;
    const History& history;
    EventStates states;
    const Slot* slots;
    const std::uint32_t* retry_times;

    // Of a segment that is mapped there.
    static SegmentFront at(const void* address);
};

// How a segment stands at one moment: all of it was true together, and the sums are right.
struct Snapshot {
    struct Consumer {
        // Given to it. What all have adds up to the account's, but in a broadcast, where each event
        // may be in flight to several.
        std::uint64_t in_flight;
        std::uint64_t demand;  // asked for and not given
    };

    Account account;
    std::uint64_t tail;      // accepted since the segment was made
    std::uint64_t head;      // the first one of them that is not committed
    std::uint64_t retrying;  // in flight, and waiting for a retry
    std::uint64_t demand;    // of all consumers
    std::uint64_t buffer_used_bytes;
    std::array<Consumer, kMaxConsumers> consumers;  // by number, from 0
};

Snapshot snapshot_of(const SegmentFront& front);

}  // namespace drainpipe
