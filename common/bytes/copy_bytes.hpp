#pragma once

#include <cstddef>
#include <cstring>
#include <string_view>

namespace drainpipe {

// Copies bytes that are few as a rule, and returns the end of the copy. What few bytes cost is the
// call of memcpy: up to 64 of them go in two moves that overlap.
inline char* copy_bytes(char* to, std::string_view bytes) {
    const std::size_t size = bytes.size();
    const char* const from = bytes.data();
    const auto copy_ends = [&](std::size_t piece) {
        std::memcpy(to, from, piece);
        std::memcpy(to + size - piece, from + size - piece, piece);
    };
    if (size > 16) {
        if (size > 64) {
            std::memcpy(to, from, size);
        } else if (size > 32) {
            copy_ends(32);
        } else {
            copy_ends(16);
        }
    } else if (size >= 8) {
        copy_ends(8);
    } else if (size >= 4) {
        copy_ends(4);
    } else if (size >= 2) {
        copy_ends(2);
    } else if (size == 1) {
        *to = *from;
    }
    return to + size;
}

}  // namespace drainpipe
