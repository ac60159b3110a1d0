#include "restart_policy.hpp"

#include <doctest/doctest.h>

using drainpipe::RestartPolicy;
using namespace std::chrono_literals;

TEST_SUITE("restart_policy") {
    TEST_CASE("restarts: time in which nothing ran is left out of the window") {
        RestartPolicy policy;
        auto now = RestartPolicy::Clock::time_point{} + std::chrono::hours(1);
        for (std::size_t death = 0; death < RestartPolicy::kMaxDeaths; ++death) {
            CHECK(policy.died(now).has_value());
        }
        now += std::chrono::hours(1);
        policy.leave_out(std::chrono::hours(1));
        CHECK_FALSE(policy.died(now).has_value());  // in the ten seconds that ran, a sixth one
    }

    TEST_CASE("restarts: a child that dies once is started again at once") {
        RestartPolicy policy;
        const RestartPolicy::Clock::time_point now{};
        CHECK(policy.died(now) == now);
    }

    TEST_CASE("restarts: five deaths in ten seconds are borne, later each time, the sixth is not") {
        RestartPolicy policy;
        const RestartPolicy::Clock::time_point begin{};
        auto last = begin;
        for (int death = 0; death < 5; ++death) {
            const auto now = begin + death * 1s;
            const auto again = policy.died(now);
            REQUIRE(again);
            CHECK(*again >= last);
            CHECK(*again - now < 2s);
            last = *again;
        }
        CHECK_FALSE(policy.died(begin + 9s));
    }

    TEST_CASE("restarts: deaths that are longer ago do not count") {
        RestartPolicy policy;
        const RestartPolicy::Clock::time_point begin{};
        for (int death = 0; death < 100; ++death) {
            REQUIRE(policy.died(begin + death * 2100ms));
        }
    }
}
