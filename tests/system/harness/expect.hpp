#pragma once

// Claims about a process's outcome that many tests make.

#include <algorithm>
#include <string>
#include <string_view>

namespace harness {

// True for exactly one line, with its newline: what a refusal may say on standard error.
inline bool is_one_line(std::string_view text) {
    return text.size() > 1 && text.ends_with('\n') && std::ranges::count(text, '\n') == 1;
}

inline bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

}  // namespace harness
