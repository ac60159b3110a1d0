#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace drainpipe::bench {

// Writes the numbers 1 to `count`, one per line.
void write_numbers(const std::string& path, std::uint64_t count);

// Throws unless the file has `count` lines and line n says n: behind `before`, where that is not
// empty, and up to a blank.
void check_numbers(const std::string& path, std::uint64_t count, std::string_view before = {});

}  // namespace drainpipe::bench
