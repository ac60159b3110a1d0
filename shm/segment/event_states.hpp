#pragma once

#include <cstdint>

#include "event_state.hpp"
#include "shared_bytes.hpp"

namespace drainpipe {

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
    std::uint64_t count_undone(std::uint64_t first, std::uint64_t last) const {
        return count(first, last, [](EventState state) { return !state.is_done(); });
    }

  private:
    SharedBytes bytes_;
};

}  // namespace drainpipe
