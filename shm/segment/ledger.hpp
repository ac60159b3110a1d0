#pragma once

#include <array>
#include <cstdint>

#include "mark.hpp"

namespace drainpipe {

// What a consumer has coming, by its number from 0.
struct Seat {
    std::uint64_t unmet;      // its demand: asked for and not given
    std::uint64_t next;       // with keys: no event before it waits for this consumer
    std::uint64_t committed;  // broadcast: events before it are done by this consumer
    std::uint32_t deaths;     // broadcast: of its processes in a row that did not get further
    std::uint32_t is_taken;   // broadcast: others wait for it
};

// All that consumers change together, under the lock. It stands in the header twice: a change is
// made on the copy that does not hold, and comes to hold by one store of `ledger_changes`, whose
// last bit says which copy does. A process killed in between has changed nothing.
//
// Always head <= waiting_from <= tail and head <= given_end <= tail.
struct Ledger {
    std::uint64_t head;          // events before it are committed
    std::uint64_t given_end;     // no event from here on was given to anybody in this run
    std::uint64_t waiting_from;  // no event before it waits
    std::uint64_t redelivered;   // in this run: given again after a consumer had died of them
    std::array<std::uint64_t, kStretches> done;  // of this run, before head
    std::uint64_t is_broadcast;                  // the seats say how far each consumer is
    std::uint64_t seats_used;                    // seats from here on are untouched in this run
    std::array<std::uint8_t, kMostConsumers> partition_owner;
    std::array<Seat, kMostConsumers> seats;
};

struct Header;

// A copy that holds together, read without the lock while others change it. Without the seats.
Ledger read_ledger(const Header& header);

}  // namespace drainpipe
