#include "figures_text.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "escape.hpp"

namespace drainpipe {
namespace {

constexpr Microseconds kMillisecond = 1000;
constexpr Microseconds kOneSecond = 1000 * kMillisecond;
constexpr Microseconds kMinute = 60 * kOneSecond;
constexpr Microseconds kHour = 60 * kMinute;
constexpr Microseconds kDay = 24 * kHour;

double in_units(Microseconds duration, Microseconds unit) {
    return static_cast<double>(duration) / static_cast<double>(unit);
}

}  // namespace

std::string compact(double number) {
    constexpr double kSmall = 10000;
    if (number < kSmall) {
        return number == std::floor(number) ? grouped(static_cast<std::uint64_t>(number))
                                            : fmt::format("{:.3g}", number);
    }
    for (const auto& [factor, unit] :
         {std::pair(1e9, 'G'), std::pair(1e6, 'M'), std::pair(1e3, 'k')}) {
        if (number >= factor) {
            return fmt::format("{:.3g}{}", number / factor, unit);
        }
    }
    return {};
}

std::string counted(std::uint64_t number, std::string_view one, std::string_view more) {
    return grouped(number) + " " + std::string(number == 1 ? one : more);
}

std::string duration_text(Microseconds duration) {
    if (duration < kMillisecond) {
        return fmt::format("{} us", duration);
    }
    if (duration < kOneSecond) {
        return fmt::format("{:.3g} ms", in_units(duration, kMillisecond));
    }
    if (duration < kMinute) {
        return fmt::format("{:.3f} s", in_units(duration, kOneSecond));
    }
    if (duration < kHour) {
        return fmt::format("{} min {:02} s", duration / kMinute, duration % kMinute / kOneSecond);
    }
    if (duration < kDay) {
        return fmt::format("{} h {:02} min", duration / kHour, duration % kHour / kMinute);
    }
    return fmt::format("{} d {:02} h", duration / kDay, duration % kDay / kHour);
}

std::string since_text(Microseconds since, Microseconds length) {
    const char* const sign = since < 0 ? "-" : "";
    since = std::abs(since);
    if (length < kMinute) {
        return fmt::format("{}{:.3f} s", sign, in_units(since, kOneSecond));
    }
    const Microseconds minutes = since / kMinute % 60;
    const double seconds = in_units(since % kMinute, kOneSecond);
    if (length < kHour) {
        return fmt::format("{}{}:{:06.3f}", sign, since / kMinute, seconds);
    }
    if (length < kDay) {
        return fmt::format("{}{}:{:02}:{:06.3f}", sign, since / kHour, minutes, seconds);
    }
    return fmt::format("{}{}d {:02}:{:02}:{:06.3f}", sign, since / kDay, since % kDay / kHour,
                       minutes, seconds);
}

std::vector<std::string_view> lines_of(std::string_view words, std::size_t columns) {
    std::vector<std::string_view> lines;
    while (words.size() > columns) {
        const auto space = words.rfind(' ', columns);
        const bool has_space = space != std::string_view::npos && space > 0;
        lines.push_back(has_space ? words.substr(0, space) : whole_characters(words, columns));
        words.remove_prefix(lines.back().size() + (has_space ? 1 : 0));
    }
    lines.push_back(words);
    return lines;
}

std::string html(std::string_view text) {
    std::string result;
    result.reserve(text.size());
    for (const char letter : text) {
        switch (letter) {
            case '&':
                result += "&amp;";
                break;
            case '<':
                result += "&lt;";
                break;
            case '>':
                result += "&gt;";
                break;
            case '"':
                result += "&quot;";
                break;
            case '\'':
                result += "&#39;";
                break;
            default:
                result += letter;
        }
    }
    return result;
}

}  // namespace drainpipe
