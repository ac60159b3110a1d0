#include "base64.hpp"

#include <cstdint>

namespace drainpipe {
namespace {

constexpr std::string_view kDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// The value of a digit; 64 where it is none.
std::uint32_t value_of(char digit) {
    if (digit >= 'A' && digit <= 'Z') {
        return static_cast<std::uint32_t>(digit - 'A');
    }
    if (digit >= 'a' && digit <= 'z') {
        return static_cast<std::uint32_t>(digit - 'a') + 26;
    }
    if (digit >= '0' && digit <= '9') {
        return static_cast<std::uint32_t>(digit - '0') + 52;
    }
    return digit == '+' ? 62 : digit == '/' ? 63 : 64;
}

}  // namespace

std::string base64_encoded(std::string_view bytes) {
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        const std::string_view group = bytes.substr(at, 3);
        std::uint32_t bits = 0;
        for (std::size_t index = 0; index < 3; ++index) {
            bits =
                bits << 8 | (index < group.size() ? static_cast<unsigned char>(group[index]) : 0);
        }
        for (std::size_t index = 0; index < 4; ++index) {
            text += index <= group.size() ? kDigits[bits >> (18 - 6 * index) & 63] : '=';
        }
    }
    return text;
}

std::optional<std::string> base64_decoded(std::string_view text) {
    if (text.size() % 4 != 0) {
        return std::nullopt;
    }
    const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
    text.remove_suffix(padding);
    std::string bytes;
    bytes.reserve(text.size() / 4 * 3 + 2);
    for (std::size_t at = 0; at < text.size(); at += 4) {
        const std::string_view group = text.substr(at, 4);
        std::uint32_t bits = 0;
        for (std::size_t index = 0; index < 4; ++index) {
            const std::uint32_t value = index < group.size() ? value_of(group[index]) : 0;
            if (value > 63) {
                return std::nullopt;
            }
            bits = bits << 6 | value;
        }
        for (std::size_t index = 0; index + 1 < group.size(); ++index) {
            bytes += static_cast<char>(bits >> (16 - 8 * index) & 255);
        }
    }
    return bytes;
}

}  // namespace drainpipe
