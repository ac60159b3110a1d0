#pragma once

// Random moments and sizes that can be had again: the seed comes from DRAINPIPE_TEST_SEED, else
// from the system, and is printed, so that a failure can be repeated as far as timing allows.

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string>
#include <string_view>

namespace harness {

class Random {
  public:
    explicit Random(std::string_view test) : seed_(choose_seed()), engine_(seed_) {
        std::cout << test << ": DRAINPIPE_TEST_SEED=" << seed_ << std::endl;
    }

    // Both ends included.
    template <typename Number>
    Number between(Number low, Number high) {
        return std::uniform_int_distribution<Number>(low, high)(engine_);
    }
    std::chrono::microseconds moment(std::chrono::microseconds longest) {
        return std::chrono::microseconds{between<std::int64_t>(0, longest.count())};
    }

  private:
    static std::uint64_t choose_seed() {
        const char* given = std::getenv("DRAINPIPE_TEST_SEED");
        return given != nullptr ? std::stoull(given) : std::random_device{}();
    }

    std::uint64_t seed_;
    std::mt19937_64 engine_;
};

}  // namespace harness
