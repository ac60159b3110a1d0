#include "backoff.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace drainpipe;
using namespace std::chrono_literals;

TEST_SUITE("backoff") {
    TEST_CASE("backoff: each pause lies between half and whole, doubled up to the longest") {
        Backoff backoff(100ms, 1s, 17);
        for (const auto& each : {std::pair{1u, 100ms},
                                 {2u, 200ms},
                                 {3u, 400ms},
                                 {4u, 800ms},
                                 {5u, 1000ms},
                                 {6u, 1000ms},
                                 {255u, 1000ms}}) {
            const auto attempt = each.first;
            const auto whole = each.second;
            CAPTURE(attempt);
            Backoff::Duration least = whole;
            Backoff::Duration most{};
            for (int draw = 0; draw < 2000; ++draw) {
                const auto pause = backoff.pause(attempt);
                least = std::min(least, pause);
                most = std::max(most, pause);
            }
            CHECK(least >= whole / 2);
            CHECK(most <= whole);
            CHECK(least < whole * 0.52);
            CHECK(most > whole * 0.98);
        }
    }

    TEST_CASE("backoff: no pause is none, and the longest holds for the first one too") {
        Backoff none(0ms, 30s, 17);
        Backoff cut(1h, 10ms, 17);
        Backoff nothing(1s, 0s, 17);
        for (const unsigned attempt : {1u, 2u, 255u}) {
            CHECK(none.pause(attempt) == 0ms);
            CHECK(nothing.pause(attempt) == 0ms);
            CHECK(cut.pause(attempt) >= 5ms);
            CHECK(cut.pause(attempt) <= 10ms);
        }
    }

    TEST_CASE("backoff: the longest pause there may be does not overflow") {
        Backoff backoff(168h, 168h, 17);
        CHECK(backoff.pause(255) >= 84h);
        CHECK(backoff.pause(255) <= 168h);
    }
}
