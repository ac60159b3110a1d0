#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "event_state.hpp"

namespace drainpipe {

struct EventDone {
    CompletionKind kind;
    std::uint64_t id;
    std::uint32_t attempt;
    std::string_view payload;
};

// The most bytes that a record's message takes.
inline constexpr std::size_t kMaxRecord = 512;

// Writes the record's message, "processed id=17 payload=17", from the second attempt on "processed
// id=17 attempt=2 payload=17", and returns the end of it. At most the first 64 bytes of the payload
// are shown, to a whole character, as escape.hpp has it, with "..." for the rest. Requires room for
// kMaxRecord.
char* write_record(char* end, const EventDone& event);

}  // namespace drainpipe
