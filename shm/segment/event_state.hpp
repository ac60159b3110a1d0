#pragma once

#include <cstddef>
#include <cstdint>

#include "shared_bytes.hpp"

namespace drainpipe {

// The most consumers of a pipeline, and so the most partitions that keys are spread over.
inline constexpr unsigned kMaxConsumers = 64;

// What became of an event, and when in the life of a run.
enum class CompletionKind : std::uint8_t {
    processed = 0,   // done before the stop
    emptied = 1,     // done; it was in flight when the stop came
    drained = 2,     // done; it was buffered when the stop came
    dead = 3,        // given up: it is among the dead letters
    given_back = 4,  // not done here: its source delivers it again, here or elsewhere
};
inline constexpr std::size_t kCompletionKinds = 5;

// Where an event stands, as one byte beside its slot. Consumers change it, under the lock; when the
// head has passed it they set it back to waiting(0), for the event that takes its slot. With keys
// the producer sets each event's partition before the tail covers it.
class EventState {
  public:
    // It waits to be given to a consumer. Without keys there is one partition, 0.
    static constexpr EventState waiting(unsigned partition) {
        return EventState(kWaiting + partition);
    }
    // It is in flight to that consumer.
    static constexpr EventState given(unsigned consumer) { return EventState(kGiven + consumer); }
    // The same for one that was buffered when the stop came.
    static constexpr EventState given_in_drain(unsigned consumer) {
        return EventState(kGivenInDrain + consumer);
    }
    static constexpr EventState done(CompletionKind kind) {
        return EventState(kDone + static_cast<unsigned>(kind));
    }
    // Done by an earlier run, after others that were not.
    static constexpr EventState done_before() { return EventState(kDoneBefore); }
    // The same of one that has that state now, for a source that has to know what became of it.
    // Requires is_done().
    constexpr EventState before() const {
        return *this == done(CompletionKind::dead)         ? EventState(kDeadBefore)
               : *this == done(CompletionKind::given_back) ? EventState(kGivenBackBefore)
               : byte_ < kDoneBefore                       ? done_before()
                                                           : *this;
    }

    // As it lies in the segment; of_byte() takes any byte, is_valid() tells.
    static constexpr EventState of_byte(std::uint8_t byte) { return EventState(byte); }
    constexpr std::uint8_t byte() const { return byte_; }

    constexpr bool is_waiting() const { return byte_ < kGiven; }
    constexpr bool is_given() const { return byte_ >= kGiven && byte_ < kDone; }
    constexpr bool is_given_in_drain() const { return byte_ >= kGivenInDrain && byte_ < kDone; }
    constexpr bool is_done() const { return byte_ >= kDone; }
    constexpr bool is_valid() const { return byte_ <= kGivenBackBefore; }

    // Requires is_waiting().
    constexpr unsigned partition() const { return byte_; }
    // Requires is_given().
    constexpr unsigned consumer() const { return byte_ % kMaxConsumers; }
    // Requires is_done(); kCompletionKinds for one that was done by an earlier run.
    constexpr std::size_t kind() const {
        return byte_ < kDoneBefore ? byte_ - kDone : kCompletionKinds;
    }
    // In this run or an earlier one.
    constexpr bool is_dead() const {
        return *this == done(CompletionKind::dead) || byte_ == kDeadBefore;
    }
    constexpr bool is_given_back() const {
        return *this == done(CompletionKind::given_back) || byte_ == kGivenBackBefore;
    }

    constexpr bool operator==(const EventState&) const = default;

  private:
    static constexpr unsigned kWaiting = 0;  // as the memory of a new segment is
    static constexpr unsigned kGiven = kMaxConsumers;
    static constexpr unsigned kGivenInDrain = 2 * kMaxConsumers;
    static constexpr unsigned kDone = 3 * kMaxConsumers;
    static constexpr unsigned kDoneBefore = kDone + kCompletionKinds;
    static constexpr unsigned kDeadBefore = kDoneBefore + 1;
    static constexpr unsigned kGivenBackBefore = kDoneBefore + 2;

    explicit constexpr EventState(unsigned byte) : byte_(static_cast<std::uint8_t>(byte)) {}

    std::uint8_t byte_;
};

static_assert(sizeof(EventState) == 1);

// The states of a segment, by event: shared_bytes.hpp says who may read and write them how. Ranges
// are [first, last), first <= last, of at most as many events as there are states.
class EventStates {
  public:
    explicit EventStates(SharedBytes bytes) : bytes_(bytes) {}

    EventState at(std::uint64_t event) const { return EventState::of_byte(bytes_.load(event)); }

    void set(std::uint64_t event, EventState state, FaultPoint point = FaultPoint::here()) const {
        bytes_.store(event, state.byte(), point);
    }
    void fill(std::uint64_t first, std::uint64_t last, EventState state,
              FaultPoint point = FaultPoint::here()) const {
        bytes_.fill(first, last, state.byte(), point);
    }

    // The first event of the range that has the state; `last` where none has.
    std::uint64_t find(std::uint64_t first, std::uint64_t last, EventState state) const {
        return bytes_.find(first, last, state.byte());
    }
    // The first event of the range that does not have it; `last` where all have.
    std::uint64_t end_of_run(std::uint64_t first, std::uint64_t last, EventState state) const {
        return bytes_.end_of_run(first, last, state.byte());
    }

    // How many events of the range have a state that `is` is true of.
    template <typename Is>
    std::uint64_t count(std::uint64_t first, std::uint64_t last, Is is) const {
        return bytes_.count(first, last,
                            [&](std::uint8_t byte) { return is(EventState::of_byte(byte)); });
    }
    // How many events of the range have each state, by its byte.
    using Counts = SharedBytes::Counts;
    Counts counts(std::uint64_t first, std::uint64_t last) const {
        return bytes_.counts(first, last);
    }
    std::uint64_t count_undone(std::uint64_t first, std::uint64_t last) const {
        return count(first, last, [](EventState state) { return !state.is_done(); });
    }

  private:
    SharedBytes bytes_;
};

}  // namespace drainpipe
