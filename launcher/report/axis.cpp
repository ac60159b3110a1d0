#include "axis.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "figures_text.hpp"

namespace drainpipe {
namespace {

// The least of 1, 2, 2.5 and 5 times a power of ten that is not below the number.
double round_up(double number) {
    const double power = std::pow(10, std::floor(std::log10(number)));
    for (const double factor : {1.0, 2.0, 2.5, 5.0}) {
        if (factor * power >= number * (1 - 1e-9)) {
            return factor * power;
        }
    }
    return 10 * power;
}

constexpr double kAxisSecond = 1e6;
constexpr double kAxisMinute = 60 * kAxisSecond;
constexpr double kAxisHour = 60 * kAxisMinute;
constexpr double kAxisDay = 24 * kAxisHour;

double round_time(double least) {
    if (least <= 10 * kAxisSecond) {
        return std::max(1.0, round_up(least));
    }
    constexpr std::array<double, 14> kSteps{
        20 * kAxisSecond, 30 * kAxisSecond, kAxisMinute,      2 * kAxisMinute, 5 * kAxisMinute,
        10 * kAxisMinute, 15 * kAxisMinute, 30 * kAxisMinute, kAxisHour,       2 * kAxisHour,
        3 * kAxisHour,    6 * kAxisHour,    12 * kAxisHour,   kAxisDay};
    const auto* const step = std::ranges::lower_bound(kSteps, least);
    return step != kSteps.end() ? *step : kAxisDay * round_up(least / kAxisDay);
}

std::string time_label(double time, double step, double length) {
    if (time == 0) {
        return "0";
    }
    if (step >= kAxisDay) {
        return fmt::format("{:g} d", time / kAxisDay);
    }
    const auto minutes = std::llround(time / kAxisMinute);
    if (step >= kAxisHour) {
        return fmt::format("{} h", minutes / 60);
    }
    if (step >= kAxisMinute) {
        return length < kAxisHour ? fmt::format("{} min", minutes)
                                  : fmt::format("{}:{:02} h", minutes / 60, minutes % 60);
    }
    if (length >= kAxisMinute) {
        const auto seconds = std::llround(time / kAxisSecond);
        return fmt::format("{}:{:02} min", seconds / 60, seconds % 60);
    }
    if (length >= kAxisSecond) {
        return fmt::format("{:g} s", std::round(time / 1e3) / 1e3);
    }
    return length >= 1e3 ? fmt::format("{:g} ms", time / 1e3) : fmt::format("{:g} us", time);
}

}  // namespace

std::vector<Tick> number_ticks(double highest, int most) {
    const double step = round_up(std::max(highest, 1e-9) / most);
    std::vector<Tick> ticks;
    for (int index = 0; index == 0 || ticks.back().value < highest * (1 - 1e-9); ++index) {
        const double value = index * step;
        ticks.push_back({value, compact(value)});
    }
    return ticks;
}

std::vector<Tick> time_ticks(Microseconds length, int most) {
    const auto end = static_cast<double>(std::max<Microseconds>(length, 1));
    const double step = round_time(end / most);
    std::vector<Tick> ticks;
    for (int index = 0; index * step <= end; ++index) {
        const double value = index * step;
        ticks.push_back({value, time_label(value, step, end)});
    }
    return ticks;
}

}  // namespace drainpipe
