#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "event_state.hpp"
#include "work.hpp"

namespace drainpipe {

// The most bytes that a record's message takes.
inline constexpr std::size_t kMaxRecord = 512;

using Took = std::optional<std::chrono::steady_clock::duration>;

// Writes the message of the record that the event is done, "processed id=17 payload=17", from the
// second attempt on "processed id=17 attempt=2 payload=17", with "took=0.012s" where that is known,
// and returns the end of it. At most the first 64 bytes of the payload are shown, to a whole
// character, as escape.hpp has it, with "..." for the rest. Requires room for kMaxRecord.
char* write_record(char* end, CompletionKind kind, const Event& event, Took took = std::nullopt);

// "failed id=17 attempt=1 reason="exit status 3" retry_in=0.071s payload=17"; without retry_in
// where it is left for the next run.
std::string failed_record(const Event& event, std::string_view reason,
                          std::optional<std::chrono::steady_clock::duration> retry_in);

// "dead id=17 attempt=4 reason="exit status 3" payload=17"
std::string dead_record(const Event& event, std::string_view reason);

}  // namespace drainpipe
