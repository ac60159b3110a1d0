#include "account.hpp"

#include <algorithm>
#include <array>
#include <atomic>

namespace drainpipe {
namespace {

// How long to try for a reading that the head stands still under. The launcher must not be held up
// by consumers that go on for ever: what it gets then is a moment older here than there.
constexpr int kMaxTries = 100;
constexpr std::uint64_t kMaxLooks = std::uint64_t{1} << 22;

// What the events are that the ledger and the states know of.
struct Reading {
    Ledger ledger;
    std::uint64_t tail = 0;
    std::uint64_t in_flight = 0;
    std::array<std::uint64_t, kMaxConsumers> in_flight_to{};
    std::array<std::uint64_t, kCompletionKinds> done{};

    // So many of the events have that state.
    void count(EventState state, std::uint64_t events) {
        if (state.is_given()) {
            in_flight += events;
            in_flight_to[state.consumer()] += events;
        } else if (state.is_waiting() && ledger.is_broadcast != 0) {
            in_flight += events;
        } else if (state.is_done() && state.kind() < kCompletionKinds) {
            done[state.kind()] += events;
        }
    }
};

// The states of the events from the head on that were given to a consumer, or may have been.
Reading read_once(const Header& header, const EventStates& states) {
    Reading reading{.ledger = read_ledger(header, kMaxConsumers), .tail = header.tail.load()};
    const Ledger& ledger = reading.ledger;
    std::ranges::copy(ledger.done, reading.done.begin());
    const EventStates::Counts events_in = states.counts(ledger.head, ledger.given_end);
    for (unsigned byte = 0; byte < events_in.size(); ++byte) {
        if (events_in[byte] > 0) {
            reading.count(EventState::of_byte(static_cast<std::uint8_t>(byte)), events_in[byte]);
        }
    }
    return reading;
}

// Calls `read` until the head has not moved under it. The head moves over states before they are
// set back: where it has not moved each was read while it was its event's.
template <typename Read>
auto read_standing(const Header& header, Read read) {
    std::uint64_t looks = 0;
    for (int tries = 1;; ++tries) {
        auto result = read();
        const Ledger& ledger = result.ledger;
        looks += ledger.given_end - ledger.head;
        std::atomic_thread_fence(std::memory_order_acquire);  // the states before the second look
        const bool is_whole = read_ledger(header).head == ledger.head;
        if (is_whole || tries == kMaxTries || looks >= kMaxLooks) {
            return result;
        }
    }
}

Account account_from(const Reading& reading, const Header& header) {
    std::uint64_t left = reading.tail - header.settled_before_run.load();
    const auto take = [&left](std::uint64_t events) {
        const std::uint64_t taken = std::min(events, left);
        left -= taken;
        return taken;
    };
    const std::uint64_t given_back = take(reading.done[4]);
    const std::uint64_t accepted = left;
    const std::uint64_t processed = take(reading.done[0]);
    const std::uint64_t emptied = take(reading.done[1]);
    const std::uint64_t drained = take(reading.done[2]);
    const std::uint64_t dead = take(reading.done[3]);
    const std::uint64_t in_flight = std::min(reading.in_flight, left);
    return {.accepted = accepted,
            .processed = processed,
            .emptied = emptied,
            .drained = drained,
            .dead = dead,
            .left = left,
            .redelivered = reading.ledger.redelivered + header.redelivered_by_source.load(),
            .retried = reading.ledger.retried,
            .in_flight = in_flight,
            .buffered = left - in_flight,
            .given_back = given_back};
}

// What is read besides for a snapshot, at the same moment.
struct FullReading : Reading {
    std::uint64_t retrying = 0;
    std::uint64_t buffer_used_bytes = 0;
};

std::uint64_t count_retrying(const SegmentFront& front, const Ledger& ledger) {
    if (!front.header.settings.may_fail()) {
        return 0;
    }
    const std::uint64_t slot_mask = front.header.geometry.slots - 1;
    const auto waits = [&](std::uint64_t event) {
        const std::uint32_t* const time = front.retry_times + (event & slot_mask);
        return __atomic_load_n(time, __ATOMIC_RELAXED) != 0;
    };
    std::uint64_t retrying = 0;
    for (std::uint64_t event = ledger.head; event < ledger.given_end; ++event) {
        retrying += waits(event) && front.states.at(event).is_given() ? 1 : 0;
    }
    return retrying;
}

// A slot that is written again meanwhile is one that the head has passed: what was read is not
// used.
__attribute__((no_sanitize("thread"))) std::uint32_t end_of(const SegmentFront& front,
                                                            std::uint64_t event) {
    return __atomic_load_n(&front.slots[event % front.header.geometry.slots].end, __ATOMIC_RELAXED);
}

std::uint64_t buffer_used(const SegmentFront& front, const Reading& reading) {
    const bool is_tracked = front.header.geometry.is_tracked != 0;
    const std::uint64_t head = is_tracked ? front.header.settled.load() : reading.ledger.head.get();
    if (reading.tail == head) {
        return 0;
    }
    const auto below_alignment = static_cast<std::uint32_t>(front.header.geometry.alignment - 1);
    const std::uint32_t begin = (end_of(front, head - 1) + below_alignment) & ~below_alignment;
    return static_cast<std::uint32_t>(end_of(front, reading.tail - 1) - begin);
}

std::uint64_t in_flight_in_broadcast(const Ledger& ledger, unsigned number) {
    const ConsumerState& state = ledger.consumer_states[number];
    const bool is_behind = state.is_taken != 0 && state.committed < ledger.given_end;
    return is_behind ? ledger.given_end - state.committed : 0;
}

void add_consumers(Snapshot& snapshot, const Reading& reading) {
    const std::uint64_t used =
        std::min<std::uint64_t>(reading.ledger.consumers_used, kMaxConsumers);
    std::uint64_t untold = snapshot.account.in_flight;
    for (unsigned number = 0; number < kMaxConsumers; ++number) {
        Snapshot::Consumer& consumer = snapshot.consumers[number];
        if (number < used) {
            consumer.demand = reading.ledger.consumer_states[number].unmet;
            snapshot.demand += consumer.demand;
        }
        if (reading.ledger.is_broadcast != 0) {
            consumer.in_flight = number < used ? in_flight_in_broadcast(reading.ledger, number) : 0;
        } else {
            consumer.in_flight = std::min(reading.in_flight_to[number], untold);
            untold -= consumer.in_flight;
        }
    }
}

}  // namespace

std::string to_text(const Account& account) {
    return "accepted=" + std::to_string(account.accepted) +
           " processed=" + std::to_string(account.processed) +
           " emptied=" + std::to_string(account.emptied) +
           " drained=" + std::to_string(account.drained) + " left=" + std::to_string(account.left) +
           " redelivered=" + std::to_string(account.redelivered) +
           " dead=" + std::to_string(account.dead) + " retried=" + std::to_string(account.retried) +
           (account.given_back > 0 ? " given_back=" + std::to_string(account.given_back) : "");
}

Account account_of(const Header& header, const EventStates& states) {
    const Reading reading = read_standing(header, [&] { return read_once(header, states); });
    return account_from(reading, header);
}

SegmentFront SegmentFront::at(const void* address) {
    const char* const front = static_cast<const char*>(address);
    const Header& header = *static_cast<const Header*>(address);
    const Geometry& geometry = header.geometry;
    const auto* const states =
        reinterpret_cast<const std::uint8_t*>(front + geometry.states_offset());
    return {.header = header,
            .history = *reinterpret_cast<const History*>(front + kHeaderBytes),
            // Nothing is written through it.
            .states = EventStates({const_cast<std::uint8_t*>(states), geometry.slots}),
            .slots = reinterpret_cast<const Slot*>(front + geometry.slots_offset()),
            .retry_times =
                reinterpret_cast<const std::uint32_t*>(front + geometry.retry_times_offset())};
}

Snapshot snapshot_of(const SegmentFront& front) {
    const Header& header = front.header;
    const FullReading reading = read_standing(header, [&] {
        FullReading full{read_once(header, front.states)};
        full.retrying = count_retrying(front, full.ledger);
        full.buffer_used_bytes = buffer_used(front, full);
        return full;
    });
    Snapshot snapshot{
        .account = account_from(reading, header),
        .tail = reading.tail,
        .head = reading.ledger.head,
        .retrying = 0,
        .demand = 0,
        .buffer_used_bytes = std::min(reading.buffer_used_bytes, header.geometry.buffer_span),
        .consumers = {}};
    snapshot.retrying = std::min(reading.retrying, snapshot.account.in_flight);
    add_consumers(snapshot, reading);
    return snapshot;
}

}  // namespace drainpipe
