#include "ack_subject.hpp"

#include <array>
#include <charconv>

namespace drainpipe::nats {
namespace {

constexpr std::string_view kPrefix = "$JS.ACK.";
// Tokens after the prefix.
constexpr std::size_t kShort = 7;
constexpr std::size_t kLong = 9;  // at least

bool read_number(std::string_view text, std::uint64_t& number) {
    const char* const end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, number);
    return result.ec == std::errc() && result.ptr == end;
}

// The last step of splitmix64: each bit of the result depends on each of the input.
std::uint64_t mix(std::uint64_t x) {
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9;
    x ^= x >> 27;
    x *= 0x94d049bb133111eb;
    x ^= x >> 31;
    return x;
}

// FNV-1a.
std::uint64_t hash_of(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char c : text) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    }
    return hash;
}

}  // namespace

std::optional<AckSubject> read_ack_subject(std::string_view text) {
    if (!text.starts_with(kPrefix)) {
        return std::nullopt;
    }
    text.remove_prefix(kPrefix.size());
    std::array<std::string_view, kLong> tokens;
    std::size_t count = 0;
    while (count < tokens.size()) {
        const std::size_t dot = text.find('.');
        tokens[count++] = text.substr(0, dot);
        if (dot == std::string_view::npos) {
            break;
        }
        text.remove_prefix(dot + 1);
    }
    if (count != kShort && count != kLong) {
        return std::nullopt;
    }
    const std::size_t first = count == kLong ? 2 : 0;
    AckSubject subject;
    subject.stream = tokens[first];
    subject.consumer = tokens[first + 1];
    if (!read_number(tokens[first + 2], subject.delivered) ||
        !read_number(tokens[first + 3], subject.stream_sequence) ||
        !read_number(tokens[first + 5], subject.timestamp)) {
        return std::nullopt;
    }
    return subject;
}

std::uint64_t key_of(const AckSubject& subject, std::string_view generation) {
    std::uint64_t key = mix(hash_of(generation) + subject.timestamp);
    key = mix(key + subject.stream_sequence * 0x9e3779b97f4a7c15);
    return key == 0 ? 1 : key;
}

}  // namespace drainpipe::nats
