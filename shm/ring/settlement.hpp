#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "key_index.hpp"
#include "ring_lock.hpp"
#include "segment.hpp"

namespace drainpipe {

// The source's end of the ring where a source settles events (Segment::is_tracked): what has become
// of each, and which of them it needs no more. Moves `settled`, over events that the head has
// passed; until then an event keeps its room, its state and its payload, so that a source which
// was killed finds here what its successor has to know.
//
// Looks without the lock: a state says that an event is done from the moment on that its work has
// had its effect. Requires that it is the only one of its segment, in the process that writes to
// it; one thread at a time.
class Settlement {
  public:
    // What has become of an event.
    enum class Fate : std::uint8_t { done, dead, given_back };
    struct Ended {
        std::uint64_t event;
        Fate fate;
    };

    explicit Settlement(Segment& segment);

    // The first event that is not settled, with those after it.
    std::uint64_t settled() const { return settled_; }
    // What became of an event that is not settled; nothing while it waits or is worked on.
    std::optional<Fate> fate_of(std::uint64_t event) const;
    // The events that are not settled.
    std::vector<std::uint64_t> held() const;

    // Events that have ended since this was asked last; those that had before, in the first answer.
    std::vector<Ended> take_ended();

    // Whether any event has ended and is not settled.
    bool has_ended() const;

    // The source needs these no more. Requires that they have ended and are not settled. Their room
    // is free once all before them are settled, too.
    void settle(std::span<const std::uint64_t> events);

    // These are not to be begun: a consumer that would begin one gives it back. To be called while
    // there is no lease; those that are begun go on.
    void withdraw(std::span<const std::uint64_t> events) const;
    // Gives back every event that is not done. Requires that no consumer is attached, nor will be
    // in this run.
    void give_back_all();

    // The newest event with that key that the ring remembers, if it is not one that was given back.
    std::optional<std::uint64_t> find(std::uint64_t key) const;
    bool is_settled(std::uint64_t event) const;

    // Before events are accepted: so many slots of earlier ones are about to be taken.
    void make_room_for(std::uint64_t events);
    // After it: those from there on to the tail.
    void note_accepted(std::uint64_t first);

    // No event is begun from that time on, of CLOCK_BOOTTIME.
    void set_lease(std::chrono::nanoseconds until) const {
        segment_.header().lease_until.store(until.count());
    }
    std::chrono::nanoseconds lease() const {
        return std::chrono::nanoseconds(segment_.header().lease_until.load());
    }

  private:
    // What this process knows of an event from settled_ on.
    struct Known {
        bool is_told = false;     // take_ended() has had it
        bool is_settled = false;  // and waits for those before it
    };

    Known& known(std::uint64_t event) { return known_[event - settled_]; }
    void tell(std::uint64_t event, std::vector<Ended>& ended);
    void forget_key(std::uint64_t event);
    void advance();

    Segment& segment_;
    RingLock lock_;
    std::uint64_t settled_;
    std::uint64_t told_to_;  // all before it were told
    std::deque<Known> known_;
    KeyIndex events_by_key_;
};

}  // namespace drainpipe
