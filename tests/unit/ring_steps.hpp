#pragma once

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "delivery.hpp"
#include "ring_writer.hpp"

namespace drainpipe::test {

// What tests of the ring do again and again.

inline bool none_is_gone(unsigned) { return false; }
// What another consumer has not in hand is taken at once, without a moment's idleness before.
inline constexpr Delivery::Clock::duration kTakeAtOnce{};

inline RingWriter::Pushed push(RingWriter& writer, std::string_view payload) {
    return writer.push(std::array{payload});
}

inline void begin(Delivery& reader, const Delivery::Chunk& chunk) {
    for (const EventRange& range : chunk.ranges) {
        reader.begin(range);
    }
}

// The events of a chunk, one by one.
inline std::vector<std::uint64_t> events_of(const Delivery::Chunk& chunk) {
    std::vector<std::uint64_t> events;
    for (const EventRange& range : chunk.ranges) {
        for (std::uint64_t event = range.first; event < range.last; ++event) {
            events.push_back(event);
        }
    }
    return events;
}

// The same where events may have failed before.
inline void begin_tries(Delivery& reader, const Delivery::Chunk& chunk) {
    for (const std::uint64_t event : events_of(chunk)) {
        reader.begin_attempt(event);
    }
}

// Pushes so many small events.
inline void push_many(Segment& segment, int count) {
    RingWriter writer(segment);
    for (int event = 0; event < count; ++event) {
        REQUIRE(push(writer, "x").count == 1);
    }
}

// Begins the chunk and says which events are in it.
inline std::vector<std::uint64_t> begun(Delivery& reader, const Delivery::Chunk& chunk) {
    begin(reader, chunk);
    return events_of(chunk);
}

// Takes all that comes, with so much more demand, and commits it.
inline std::vector<std::string> take_all(Delivery& reader, std::uint64_t asked) {
    std::vector<std::string> payloads;
    auto chunk = reader.turn(0, asked, asked);
    while (!chunk.is_empty()) {
        begin(reader, chunk);
        for (const std::uint64_t event : events_of(chunk)) {
            payloads.emplace_back(reader.payload(event));
        }
        chunk = reader.turn(chunk.size(), 0, asked);
    }
    return payloads;
}

}  // namespace drainpipe::test
