#pragma once

#include <array>
#include <cstdint>

// What a sensor sends, as it lies in shared memory: trivially copyable, no pointers, and of one
// size and alignment in producer and consumer. With 64 bytes each has a cache line of its own, and
// with a size that is a multiple of 16 a batch is pushed in one copy.
struct alignas(16) Reading {
    std::uint64_t number;  // from 0, over all sensors
    std::uint32_t sensor;
    std::uint32_t status;
    std::array<std::int32_t, 12> samples;
};
static_assert(sizeof(Reading) == 64);

inline constexpr std::uint32_t kSensors = 4;
inline constexpr std::uint64_t kReadingsInTurn = 1000;

// Sensors take turns, a thousand readings each. In a turn the samples rise from 0 to 11 999, so
// that anyone can tell what they sum up to.
inline Reading reading_of(std::uint64_t number) {
    Reading reading{};
    reading.number = number;
    reading.sensor = static_cast<std::uint32_t>(number / kReadingsInTurn % kSensors);
    auto sample = static_cast<std::int32_t>(number % kReadingsInTurn * reading.samples.size());
    for (std::int32_t& each : reading.samples) {
        each = sample++;
    }
    return reading;
}
