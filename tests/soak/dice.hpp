#pragma once

// All chance of a round, from one seed: the same seed chooses the same plan and, as far as timing
// allows, the same deeds.

#include <chrono>
#include <cstdint>
#include <random>
#include <vector>

namespace soak {

class Dice {
  public:
    explicit Dice(std::uint64_t seed) : engine_(seed) {}

    // Both ends included.
    template <typename Number>
    Number between(Number low, Number high) {
        return std::uniform_int_distribution<Number>(low, high)(engine_);
    }
    bool chance(int percent) { return between(1, 100) <= percent; }
    std::chrono::microseconds moment(std::chrono::microseconds longest) {
        return std::chrono::microseconds{between<std::int64_t>(0, longest.count())};
    }
    // Requires that there is something to choose from.
    template <typename Choice>
    const Choice& pick(const std::vector<Choice>& choices) {
        return choices[between<std::size_t>(0, choices.size() - 1)];
    }
    std::uint64_t seed() { return engine_(); }

  private:
    std::mt19937_64 engine_;
};

}  // namespace soak
