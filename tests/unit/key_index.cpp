#include "key_index.hpp"

#include <doctest/doctest.h>

#include <random>
#include <unordered_map>
#include <vector>

using drainpipe::KeyIndex;

TEST_SUITE("key_index") {
    TEST_CASE("an index has nothing at first, and nothing under 0") {
        KeyIndex index;
        CHECK_FALSE(index.find(7));
        CHECK_FALSE(index.find(0));
        index.erase(7, 1);
        index.erase(0, 0);
        CHECK(index.size() == 0);
    }

    TEST_CASE("an index has the newest event of a key, and erases none but the one it is told") {
        KeyIndex index;
        index.put(7, 1);
        index.put(7, 2);
        CHECK(index.size() == 1);
        CHECK(index.find(7) == 2);
        index.erase(7, 1);
        CHECK(index.find(7) == 2);
        index.erase(7, 2);
        CHECK_FALSE(index.find(7));
        CHECK(index.size() == 0);
    }

    TEST_CASE("an index is a map, whatever is put in and erased") {
        std::minstd_rand random{1};
        // Close together, far apart, and all alike in their low bits.
        for (const std::uint64_t step : {1ULL, 0x123456789abcdefULL, 1ULL << 40}) {
            KeyIndex index;
            std::unordered_map<std::uint64_t, std::uint64_t> map;
            for (std::uint64_t event = 0; event < 50'000; ++event) {
                const std::uint64_t key = (1 + random() % 4000) * step;
                if (random() % 3 == 0 && map.contains(key)) {
                    index.erase(key, map.at(key));
                    map.erase(key);
                } else {
                    index.put(key, event);
                    map[key] = event;
                }
            }
            CHECK(index.size() == map.size());
            bool is_same = true;
            for (std::uint64_t number = 1; number <= 4000; ++number) {
                const auto found = map.find(number * step);
                const auto had = index.find(number * step);
                is_same = is_same && (found == map.end() ? !had : had == found->second);
            }
            CHECK(is_same);
        }
    }
}
