#include "hand_size.hpp"

#include <doctest/doctest.h>

using namespace drainpipe;
using namespace std::chrono_literals;

TEST_SUITE("hand_size") {
    TEST_CASE("hand size: it grows fourfold while the work is quick") {
        HandSize hand;
        CHECK(hand.events() == 1);
        for (std::uint64_t events = 4; events <= 1024; events *= 4) {
            hand.took(hand.events(), 0ns);
            CHECK(hand.events() == events);
        }
        for (int times = 0; times < 100; ++times) hand.took(hand.events(), 0ns);
        CHECK(hand.events() > 1'000'000);
    }

    TEST_CASE("hand size: it is what two milliseconds are enough for, and never nothing") {
        HandSize hand;
        for (int times = 0; times < 20; ++times) {
            hand.took(hand.events(), std::chrono::nanoseconds(10'000 * hand.events()));
        }
        CHECK(hand.events() == 199);
        hand.took(hand.events(), 10s);
        CHECK(hand.events() == 1);
        hand.took(1, 10ms);
        CHECK(hand.events() == 1);
    }
}
