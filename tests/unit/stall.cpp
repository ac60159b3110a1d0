#include "stall.hpp"

#include <doctest/doctest.h>

using drainpipe::Stall;
using namespace std::chrono_literals;

TEST_SUITE("stall") {
    TEST_CASE("stall: it is told after a second, then every ten, and anew when the head moves") {
        Stall stall;
        const Stall::Clock::time_point begin{};
        CHECK_FALSE(stall.look(7, begin));
        CHECK_FALSE(stall.look(7, begin + 999ms));
        CHECK(stall.look(7, begin + 1s) == 1s);
        CHECK_FALSE(stall.look(7, begin + 2s));
        CHECK(stall.look(7, begin + 11s) == 11s);
        CHECK_FALSE(stall.look(8, begin + 12s));
        CHECK_FALSE(stall.look(8, begin + 12900ms));
        CHECK(stall.look(8, begin + 13s) == 1s);
        stall.end();
        CHECK_FALSE(stall.look(8, begin + 30s));
    }
}
