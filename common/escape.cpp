#include "escape.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace drainpipe {
namespace {

char* write_text(char* end, std::string_view text) {
    std::memcpy(end, text.data(), text.size());
    return end + text.size();
}

char* write_escaped_byte(char* end, unsigned char byte) {
    constexpr std::string_view kHexDigits = "0123456789abcdef";
    switch (byte) {
        case '\n':
            return write_text(end, "\\n");
        case '\r':
            return write_text(end, "\\r");
        case '\t':
            return write_text(end, "\\t");
        default:
            end = write_text(end, "\\x");
            *end++ = kHexDigits[byte >> 4];
            *end++ = kHexDigits[byte & 15];
            return end;
    }
}

// How many bytes the control character takes that the text begins with; 0 where it is none.
std::size_t control_at(std::string_view text) {
    const auto byte = static_cast<unsigned char>(text[0]);
    if (byte < 0x20 || byte == 0x7f) {
        return 1;
    }
    const auto next = static_cast<unsigned char>(text.size() > 1 ? text[1] : '\0');
    return byte == 0xc2 && next >= 0x80 && next < 0xa0 ? 2 : 0;
}

template <typename Word>
std::uint64_t word_at(const char* place) {
    Word word;
    std::memcpy(&word, place, sizeof word);
    return word;
}

// Not 0 where one of eight bytes is below 0x20, or 0x7f, or 0xc2.
// Source: S. E. Anderson, Bit Twiddling Hacks, "Determine if a word has a byte less than n".
std::uint64_t suspects_in(std::uint64_t bytes) {
    constexpr std::uint64_t kEach = 0x0101010101010101;
    const auto below = [](std::uint64_t word, std::uint64_t byte) {
        return (word - kEach * byte) & ~word;
    };
    return (below(bytes, 0x20) | below(bytes ^ (kEach * 0x7f), 1) |
            below(bytes ^ (kEach * 0xc2), 1)) &
           (kEach * 0x80);
}

}  // namespace

bool is_plain(std::string_view text) {
    const char* const begin = text.data();
    const std::size_t size = text.size();
    if (size < 4) {
        return std::ranges::none_of(text, [](char byte) {
            return suspects_in(static_cast<unsigned char>(byte) | ~0xffull);
        });
    }
    if (size < 8) {
        return suspects_in(word_at<std::uint32_t>(begin) | word_at<std::uint32_t>(begin + size - 4)
                                                               << 32) == 0;
    }
    std::uint64_t suspects = suspects_in(word_at<std::uint64_t>(begin + size - 8));
    for (std::size_t at = 0; at + 8 < size; at += 8) {
        suspects |= suspects_in(word_at<std::uint64_t>(begin + at));
    }
    return suspects == 0;
}

char* write_escaped(char* end, std::string_view text) {
    while (!text.empty()) {
        const std::size_t control = control_at(text);
        for (const char character : text.substr(0, control)) {
            end = write_escaped_byte(end, static_cast<unsigned char>(character));
        }
        if (control == 0) {
            *end++ = text[0];
        }
        text.remove_prefix(std::max<std::size_t>(1, control));
    }
    return end;
}

std::string escaped(std::string_view text) {
    std::string result(kMostEscaped * text.size(), '\0');
    const char* const end = write_escaped(result.data(), text);
    result.resize(static_cast<std::size_t>(end - result.data()));
    return result;
}

}  // namespace drainpipe
