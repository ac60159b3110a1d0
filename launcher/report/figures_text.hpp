#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "figures.hpp"
#include "log_record.hpp"

namespace drainpipe {

// Numbers as people read them, besides those of figures.hpp.

// At most five characters: "9,500", "12k", "1.5M".
std::string compact(double number);
// "1 death", "3 deaths"
std::string counted(std::uint64_t number, std::string_view one, std::string_view more);
// A duration in the unit that suits it: "120 us", "35 ms", "1.502 s", "12 min 03 s", "3 h 04 min".
std::string duration_text(Microseconds duration);
// A time since the beginning, to the precision that suits a run of that length: "1.502 s".
std::string since_text(Microseconds since, Microseconds length);

// Text in lines of at most so many bytes: broken at spaces, and within what is longer than a line.
std::vector<std::string_view> lines_of(std::string_view words, std::size_t columns);

// Text of anybody's as text of HTML or SVG, in elements and in attributes.
std::string html(std::string_view text);

}  // namespace drainpipe
