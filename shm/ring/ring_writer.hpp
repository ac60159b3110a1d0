#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>

#include "ring_lock.hpp"
#include "segment.hpp"

namespace drainpipe {

// The producer's end of the ring: moves `tail`, sets the partitions of new events, closes the
// intake.
//
// Payloads and slots are written into free room, which has no reader, without the lock; the lock is
// held for one store. Killed before that store, a push has not happened; killed after it, it has.
// Requires that it is the only writer of its segment, in one thread.
class RingWriter {
  public:
    explicit RingWriter(Segment& segment);

    enum class Outcome {
        pushed,         // all of them
        full,           // the first `count` are in, there is no room for the next one
        intake_closed,  // none is in and none will ever be
    };
    struct Pushed {
        std::size_t count;
        Outcome outcome;
    };

    // Accepts as many of the payloads as there is room for, in order, under one lock. Requires that
    // each fits().
    [[nodiscard]] Pushed push(std::span<const std::string_view> payloads);

    // The same for `count` payloads of one size that lie side by side. Copied in one piece where
    // that size is a multiple of the alignment.
    [[nodiscard]] Pushed push_records(const char* records, std::size_t count,
                                      std::size_t record_bytes);

    // Whether an empty ring could hold it. One that doesn't fit will never be accepted.
    bool fits(std::size_t payload_bytes) const;
    std::uint64_t largest_payload() const { return segment_.header().geometry.buffer_bytes; }

    // Sleeps until there is room for a payload of that size, `is_over()` is true, or that time has
    // come; returns whether there is room. Requires that it fits(). What makes is_over() true must
    // notify the segment's room_available after it.
    bool wait_for_room(std::size_t payload_bytes, const std::function<bool()>& is_over,
                       std::optional<std::chrono::steady_clock::time_point> until = std::nullopt);

    // The oldest event that is not committed, and the consumer that has it, or has to take it, if
    // that is one. Requires that the ring is not empty.
    struct Oldest {
        std::uint64_t event;
        std::optional<unsigned> consumer;
        bool waits_for_retry = false;
    };
    Oldest oldest();

    // Closes the intake for good: no push succeeds after it, the tail is final. Returns whether it
    // was open.
    bool close_intake();

  private:
    // Room after what is accepted, from begin_ on: less than none where the padding before that has
    // gone beyond it.
    struct Room {
        std::uint64_t events;
        std::int64_t bytes;
    };
    // What was written after the tail and is not accepted yet.
    struct Written {
        std::size_t count = 0;
        std::int64_t bytes = 0;  // with the padding behind each
    };

    // Refreshes what is known of the head.
    void look_at_head();
    Room free_room() const;
    // Has `write` write as many of `wanted` payloads as there is room for, and accepts them.
    template <typename Write>
    Pushed push_with(std::size_t wanted, const Write& write);
    // Writes the next of `wanted` payloads, which payload_of(index) gives, as far as there is room.
    template <typename PayloadOf>
    void write_each(std::size_t wanted, const PayloadOf& payload_of, Written& written);
    // The same for records with no padding between them.
    void write_run(const char* records, std::size_t wanted, std::size_t record_bytes,
                   Written& written);
    // Sets the keys of events that were written, where a source settles them.
    void set_keys(std::uint64_t first, std::uint64_t last) const;
    // Sets the partitions of events that were written, where there are keys.
    void set_partitions(std::uint64_t first, std::uint64_t last);
    // Accepts what was written, out of `wanted`.
    Pushed accept(const Written& written, std::size_t wanted);

    Segment& segment_;
    RingLock lock_;
    std::uint64_t tail_;
    std::uint32_t begin_;  // of the next payload (see Slot)
    // As last seen, the real one may be further: room is free before it.
    std::uint64_t head_ = 0;
    std::uint32_t used_from_ = 0;
};

}  // namespace drainpipe
