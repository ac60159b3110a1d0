#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace drainpipe {

// Readers of what people write on command lines. Each throws Failure(usage) whose message begins
// with `what`, which names where the text came from (CommandLine::origin), and shows the text.

// Digits and an optional K, M or G (powers of 1000), within [least, most].
std::uint64_t parse_count(const std::string& what, const std::string& text, std::uint64_t least,
                          std::uint64_t most);

// Digits and an optional K, M or G (powers of 1024), within [least, most] bytes.
std::uint64_t parse_size(const std::string& what, const std::string& text, std::uint64_t least,
                         std::uint64_t most);

// Digits and one of us, ms, s, m; a plain 0 needs none. At most a day.
std::chrono::microseconds parse_duration(const std::string& what, const std::string& text);

// The shortest text that parse_duration reads back as the same: 10s, 1500ms, 0.
std::string to_text(std::chrono::microseconds duration);

}  // namespace drainpipe
