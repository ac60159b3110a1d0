#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "mark.hpp"

namespace drainpipe {

struct EventDone {
    Stretch stretch;
    std::uint64_t id;
    std::uint32_t attempt;
    std::string_view payload;
};

// The most bytes that a record's message takes.
inline constexpr std::size_t kLongestRecord = 512;

// Writes the record's message, "processed id=17 payload=17", from the second attempt on "processed
// id=17 attempt=2 payload=17", and returns the end of it. At most the first 64 bytes of the payload
// are shown, to a whole character, as escape.hpp has it, with "..." for the rest. Requires room for
// kLongestRecord.
char* write_record(char* end, const EventDone& event);

}  // namespace drainpipe
