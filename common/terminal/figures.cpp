#include "figures.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace drainpipe {
namespace {

template <typename... Values>
std::string format(const char* pattern, Values... values) {
    std::array<char, 64> text;
    std::snprintf(text.data(), text.size(), pattern, values...);
    return text.data();
}

// Three digits at most, without a ".0".
std::string short_number(double value) {
    const bool has_tenths = value < 99.95 && std::round(value * 10) != std::round(value) * 10;
    return format(has_tenths ? "%.1f" : "%.0f", value);
}

}  // namespace

std::string grouped(std::uint64_t count) {
    std::string text = std::to_string(count);
    for (std::size_t place = text.size(); place > 3; place -= 3) {
        text.insert(place - 3, 1, ',');
    }
    return text;
}

std::string rate_text(double per_second) {
    if (per_second > 0 && per_second < 1) {
        const double per_minute = per_second * 60;
        return per_minute < 1 ? short_number(per_minute * 60) + "/h"
                              : short_number(per_minute) + "/min";
    }
    constexpr std::array kUnits{"", "k", "M", "G"};
    std::size_t unit = 0;
    while (per_second >= 999.5 && unit + 1 < kUnits.size()) {
        per_second /= 1000;
        ++unit;
    }
    return short_number(per_second) + kUnits[unit] + "/s";
}

std::string time_text(double seconds) {
    if (seconds < 9.95) {
        return format("%.1f s", std::max(seconds, 0.0));
    }
    const auto whole = static_cast<unsigned long long>(std::min(seconds + 0.5, 1e15));
    if (whole < 60) {
        return format("%llu s", whole);
    }
    if (whole < 60 * 60) {
        return format("%llu min %llu s", whole / 60, whole % 60);
    }
    if (whole < 24 * 60 * 60) {
        return format("%llu h %llu min", whole / 3600, whole / 60 % 60);
    }
    return format("%llu d %llu h", whole / 86400, whole / 3600 % 24);
}

std::string bytes_text(std::uint64_t bytes) {
    constexpr std::array kUnits{"B", "KiB", "MiB", "GiB"};
    auto value = static_cast<double>(bytes);
    std::size_t unit = 0;
    while (value >= 1024 && unit + 1 < kUnits.size()) {
        value /= 1024;
        ++unit;
    }
    return short_number(value) + " " + kUnits[unit];
}

std::string bar_text(double share, std::size_t places) {
    const double filled = std::clamp(share, 0.0, 1.0) * static_cast<double>(places);
    const auto marks = static_cast<std::size_t>(filled);
    return "[" + std::string(marks, '#') + std::string(places - marks, ' ') + "]";
}

}  // namespace drainpipe
