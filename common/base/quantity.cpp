#include "quantity.hpp"

#include <array>
#include <charconv>
#include <string_view>
#include <utility>

#include "failure.hpp"

namespace drainpipe {
namespace {

using Units = std::array<std::pair<std::string_view, std::uint64_t>, 4>;

constexpr Units kCounts{{{"", 1}, {"K", 1000}, {"M", 1000 * 1000}, {"G", 1000 * 1000 * 1000}}};
constexpr Units kSizes{{{"", 1}, {"K", 1024}, {"M", 1024 * 1024}, {"G", 1024 * 1024 * 1024}}};
constexpr Units kDurations{{{"us", 1}, {"ms", 1000}, {"s", 1000000}, {"m", 60000000}}};
constexpr std::uint64_t kDayInMicroseconds = 24ull * 60 * 60 * 1000000;

[[noreturn]] void refuse(const std::string& what, const std::string& text,
                         const std::string& wanted) {
    throw Failure(ExitCode::usage, what + ": '" + text + "' is not " + wanted);
}

std::string range_in_words(std::uint64_t least, std::uint64_t most) {
    return "from " + std::to_string(least) + " to " + std::to_string(most);
}

// The leading digits of `text` times its unit; false when it is not of that form or too large.
bool read(const std::string& text, const Units& units, std::uint64_t& value) {
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || text.front() == '-') {
        return false;
    }
    const std::string_view unit(rest, static_cast<std::size_t>(end - rest));
    for (const auto& [name, factor] : units) {
        if (name == unit) {
            return !__builtin_mul_overflow(value, factor, &value);
        }
    }
    return false;
}

}  // namespace

std::uint64_t parse_count(const std::string& what, const std::string& text, std::uint64_t least,
                          std::uint64_t most) {
    std::uint64_t value = 0;
    if (!read(text, kCounts, value) || value < least || value > most) {
        refuse(what, text, "a whole number " + range_in_words(least, most));
    }
    return value;
}

std::uint64_t parse_size(const std::string& what, const std::string& text, std::uint64_t least,
                         std::uint64_t most) {
    std::uint64_t value = 0;
    if (!read(text, kSizes, value) || value < least || value > most) {
        refuse(what, text, "a size (such as 16M) " + range_in_words(least, most) + " bytes");
    }
    return value;
}

std::chrono::microseconds parse_duration(const std::string& what, const std::string& text) {
    std::uint64_t value = 0;
    if (text == "0") {
        return std::chrono::microseconds::zero();
    }
    if (!read(text, kDurations, value) || value > kDayInMicroseconds) {
        refuse(what, text, "a duration (such as 500us, 10ms, 10s or 2m) of at most a day");
    }
    return std::chrono::microseconds(value);
}

std::string to_text(std::chrono::microseconds duration) {
    const auto count = static_cast<std::uint64_t>(duration.count());
    if (count == 0) {
        return "0";
    }
    std::string_view name;
    std::uint64_t divisor = 1;
    for (const auto& [unit, factor] : kDurations) {
        if (count % factor == 0 && factor != 60000000) {
            name = unit;
            divisor = factor;
        }
    }
    return std::to_string(count / divisor) + std::string(name);
}

}  // namespace drainpipe
