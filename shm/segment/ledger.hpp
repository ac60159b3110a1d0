#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "event_state.hpp"
#include "word.hpp"

namespace drainpipe {

// Which consumer an event is for.
enum class Dispatch : std::uint32_t {
    demand = 0,     // the consumer with the most unmet demand
    partition = 1,  // the consumer that has the partition of the event's key
    broadcast = 2,  // every consumer
};

// What a consumer has coming, by its number from 0.
struct ConsumerState {
    Part<std::uint64_t> unmet;      // its demand: asked for and not given
    Part<std::uint64_t> next;       // with keys: no event before it waits for this consumer
    Part<std::uint64_t> committed;  // broadcast: events before it are done by this consumer
    Part<std::uint32_t> deaths;     // broadcast: of its processes in a row that did not get further
    Part<std::uint32_t> is_taken;   // broadcast: others wait for it
};

// The consumer that has each partition, eight of them in a word.
class PartitionOwners {
  public:
    unsigned operator[](unsigned partition) const {
        return static_cast<std::uint8_t>(words_[partition / 8] >> shift_of(partition));
    }
    void assign(unsigned partition, unsigned consumer) {
        const std::uint64_t others = words_[partition / 8] & ~(kByte << shift_of(partition));
        words_[partition / 8] = others | std::uint64_t{consumer} << shift_of(partition);
    }

  private:
    static constexpr std::uint64_t kByte = 0xff;
    static constexpr unsigned shift_of(unsigned partition) { return 8 * (partition % 8); }

    std::array<Part<std::uint64_t>, kMaxConsumers / 8> words_;
};

// All that consumers change together, under the lock. It stands in the header twice: a change is
// made on the unpublished copy, and is published by one store of `ledger_changes`, whose
// last bit says which copy that is. A process killed in between has changed nothing.
//
// Always head <= waiting_from <= tail and head <= given_end <= tail.
struct Ledger {
    Part<std::uint64_t> head;          // events before it are committed
    Part<std::uint64_t> given_end;     // no event from here on was given to anybody in this run
    Part<std::uint64_t> waiting_from;  // no event before it waits
    Part<std::uint64_t> redelivered;   // in this run: given again after a consumer had died of them
    Part<std::uint64_t> retried;       // in this run: handed out again after a failure
    std::array<Part<std::uint64_t>, kCompletionKinds> done;  // of this run, before head
    Part<std::uint64_t> is_broadcast;  // the consumers' states say how far each consumer is
    Part<std::uint64_t>
        consumers_used;  // states of consumers from here on are untouched in this run
    PartitionOwners partition_owner;
    std::array<ConsumerState, kMaxConsumers> consumer_states;

    // Copies all but the states of consumers, and of those the first few; of both only what that
    // kind of dispatch uses. A process that reads a copy which others may change looks at
    // ledger_changes before and after.
    void copy_from(const Ledger& other, std::uint64_t state_count, Dispatch dispatch);
};

static_assert(sizeof(ConsumerState) == 32);
static_assert(offsetof(Ledger, partition_owner) == 96);
static_assert(offsetof(Ledger, consumer_states) == 160);
static_assert(sizeof(Ledger) == 160 + kMaxConsumers * sizeof(ConsumerState));

struct Header;

// A copy that is consistent, read without the lock while others change it; of the consumers' states
// with the first few, so many.
Ledger read_ledger(const Header& header, std::uint64_t state_count = 0);

}  // namespace drainpipe
