#pragma once

#include <array>
#include <cstdint>

// A typed event of 64 bytes.
struct alignas(16) Reading {
    std::uint64_t number;
    std::uint64_t check;  // of the number
    std::array<std::uint64_t, 6> values;
};

inline Reading reading_of(std::uint64_t number) {
    return {number, ~number, {number, number, number, number, number, number}};
}
