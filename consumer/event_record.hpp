#pragma once

#include <cstddef>

#include "event_state.hpp"
#include "work.hpp"

namespace drainpipe {

// The most bytes that a record's message takes.
inline constexpr std::size_t kMaxRecord = 512;

// Writes the message of the record that the event is done, "processed id=17 payload=17", from the
// second attempt on "processed id=17 attempt=2 payload=17", and returns the end of it. At most the
// first 64 bytes of the payload are shown, to a whole character, as escape.hpp has it, with "..."
// for the rest. Requires room for kMaxRecord.
char* write_record(char* end, CompletionKind kind, const Event& event);

}  // namespace drainpipe
