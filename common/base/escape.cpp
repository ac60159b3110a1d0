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

// Whether the well-formed character is a control character: ASCII's, DEL, or U+0080 to U+009F.
bool is_control(std::string_view character) {
    const auto byte = static_cast<unsigned char>(character[0]);
    return byte < 0x20 || byte == 0x7f ||
           (byte == 0xc2 && static_cast<unsigned char>(character[1]) < 0xa0);
}

template <typename Word>
std::uint64_t word_at(const char* place) {
    Word word;
    std::memcpy(&word, place, sizeof word);
    return word;
}

// Not 0 where one of eight bytes is below 0x20, or 0x7f, or no ASCII.
// Source: S. E. Anderson, Bit Twiddling Hacks, "Determine if a word has a byte less than n".
std::uint64_t suspects_in(std::uint64_t bytes) {
    constexpr std::uint64_t kEach = 0x0101010101010101;
    const auto below = [](std::uint64_t word, std::uint64_t byte) {
        return (word - kEach * byte) & ~word;
    };
    return (below(bytes, 0x20) | below(bytes ^ (kEach * 0x7f), 1) | bytes) & (kEach * 0x80);
}

// The range of the second byte and the size of a character that begins with this byte; size 0 where
// none does. Source: The Unicode Standard, table 3-7, "Well-Formed UTF-8 Byte Sequences".
struct Lead {
    std::size_t size;
    unsigned char second_min = 0x80;
    unsigned char second_max = 0xbf;
};

Lead lead_of(unsigned char byte) {
    if (byte < 0x80) {
        return {1};
    }
    if (byte >= 0xc2 && byte <= 0xdf) {
        return {2};
    }
    if (byte >= 0xe0 && byte <= 0xef) {
        return {3, static_cast<unsigned char>(byte == 0xe0 ? 0xa0 : 0x80),
                static_cast<unsigned char>(byte == 0xed ? 0x9f : 0xbf)};
    }
    if (byte >= 0xf0 && byte <= 0xf4) {
        return {4, static_cast<unsigned char>(byte == 0xf0 ? 0x90 : 0x80),
                static_cast<unsigned char>(byte == 0xf4 ? 0x8f : 0xbf)};
    }
    return {0};
}

// The size of the well-formed character that the text begins with; 0 where it begins with none.
std::size_t character_size(std::string_view text) {
    const Lead lead = lead_of(static_cast<unsigned char>(text[0]));
    if (lead.size > text.size()) {
        return 0;
    }
    for (std::size_t at = 1; at < lead.size; ++at) {
        const auto byte = static_cast<unsigned char>(text[at]);
        if (byte < (at == 1 ? lead.second_min : 0x80) ||
            byte > (at == 1 ? lead.second_max : 0xbf)) {
            return 0;
        }
    }
    return lead.size;
}

}  // namespace

bool is_plain(std::string_view text) {
    const char* const begin = text.data();
    const std::size_t size = text.size();
    if (size < 4) {
        return std::ranges::none_of(text, [](char byte) {
            return suspects_in(static_cast<unsigned char>(byte) | 0x2020202020202000);
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

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const std::size_t size = character_size(text);
        if (size == 0) {
            return false;
        }
        text.remove_prefix(size);
    }
    return true;
}

std::string_view whole_characters(std::string_view text, std::size_t max_size) {
    if (text.size() <= max_size) {
        return text;
    }
    for (std::size_t before = 1; before <= std::min<std::size_t>(3, max_size); ++before) {
        if (character_size(text.substr(max_size - before)) > before) {
            return text.substr(0, max_size - before);
        }
    }
    return text.substr(0, max_size);
}

char* write_escaped(char* end, std::string_view text) {
    while (!text.empty()) {
        const std::size_t size = character_size(text);
        const std::string_view character = text.substr(0, std::max<std::size_t>(1, size));
        if (size > 0 && !is_control(character)) {
            end = write_text(end, character);
        } else {
            for (const char byte : character) {
                end = write_escaped_byte(end, static_cast<unsigned char>(byte));
            }
        }
        text.remove_prefix(character.size());
    }
    return end;
}

std::string escaped(std::string_view text) {
    std::string result(kMaxEscaped * text.size(), '\0');
    const char* const end = write_escaped(result.data(), text);
    result.resize(static_cast<std::size_t>(end - result.data()));
    return result;
}

}  // namespace drainpipe
