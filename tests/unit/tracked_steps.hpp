#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "ring_steps.hpp"
#include "ring_writer.hpp"
#include "scratch_segment.hpp"
#include "settlement.hpp"

namespace drainpipe::test {

// What tests of rings do again and again whose events are settled by their source.

inline Geometry tracked_geometry(std::uint64_t capacity, std::uint64_t buffer_bytes = 4096) {
    return Geometry::of(capacity, buffer_bytes, 1, true);
}

// Events of another engine, done by commands: they may fail.
inline Settings tracked_settings(std::uint32_t consumers = 1) {
    Settings settings = settings_for(consumers);
    settings.work = WorkKind::exec;
    settings.source = SourceKind::engine;
    return settings;
}

inline std::uint64_t key_of(std::uint64_t event) { return 1000 + event; }
inline std::string token_of(std::uint64_t event) { return "token " + std::to_string(event); }

// Accepts the next `count` events, each with its key and token; how many are in.
inline std::uint64_t push_tracked(Segment& segment, std::uint64_t count) {
    const std::uint64_t tail = segment.header().tail.load();
    std::vector<std::string> pieces(count);
    for (std::uint64_t number = 0; number < count; ++number) {
        const std::string payload = "event " + std::to_string(tail + number);
        const std::string token = token_of(tail + number);
        TrailedPayload{.payload = payload,
                       .token = token,
                       .attributes = {"N=1\0", 4},
                       .key = key_of(tail + number)}
            .append_to(pieces[number]);
    }
    const std::vector<std::string_view> views(pieces.begin(), pieces.end());
    return RingWriter(segment).push(views).count;
}

// The same through the settlement of the process.
inline std::uint64_t push_tracked(Segment& segment, Settlement& settlement, std::uint64_t count) {
    const std::uint64_t first = segment.header().tail.load();
    settlement.make_room_for(count);
    const std::uint64_t accepted = push_tracked(segment, count);
    settlement.note_accepted(first);
    return accepted;
}

inline std::vector<std::uint64_t> numbers_of(const std::vector<Settlement::Ended>& ended) {
    std::vector<std::uint64_t> numbers;
    for (const Settlement::Ended& one : ended) {
        numbers.push_back(one.event);
    }
    return numbers;
}

}  // namespace drainpipe::test
