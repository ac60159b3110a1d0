#include "partition.hpp"

#include <algorithm>

namespace drainpipe {
namespace {

constexpr std::string_view kBlanks = " \t";

// FNV-1a: the same in every build, because a partition may outlive the process that named it.
std::uint64_t hash_of(std::string_view key) {
    std::uint64_t hash = 14695981039346656037u;
    for (const char character : key) {
        hash ^= static_cast<unsigned char>(character);
        hash *= 1099511628211u;
    }
    return hash ^ (hash >> 32);
}

}  // namespace

std::string_view field_of(std::string_view payload, std::uint32_t number, std::int32_t delimiter) {
    const bool is_split_at_blanks = delimiter < 0;
    const char separator = static_cast<char>(delimiter);
    const std::string_view separators =
        is_split_at_blanks ? kBlanks : std::string_view(&separator, 1);
    while (true) {
        if (is_split_at_blanks) {
            payload.remove_prefix(std::min(payload.find_first_not_of(kBlanks), payload.size()));
        }
        const auto end = payload.find_first_of(separators);
        if (--number == 0) {
            return payload.substr(0, end);
        }
        if (end == std::string_view::npos) {
            return {};
        }
        payload.remove_prefix(end + 1);
    }
}

unsigned partition_of(std::string_view payload, const Settings& settings) {
    if (settings.dispatch != Dispatch::partition) {
        return 0;
    }
    const std::string_view key =
        field_of(payload, settings.partition_by, settings.partition_delimiter);
    return static_cast<unsigned>(hash_of(key) % kMaxConsumers);
}

}  // namespace drainpipe
