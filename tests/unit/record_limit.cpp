#include "record_limit.hpp"

#include <doctest/doctest.h>

using namespace drainpipe;
using namespace std::chrono_literals;

namespace {

// How many of the events that come one a millisecond for so long get a record.
std::uint64_t taken_in(std::chrono::milliseconds time, RecordLimit& limit,
                       RecordLimit::Clock::time_point& now) {
    std::uint64_t taken = 0;
    for (const auto end = now + time; now < end; now += 1ms) taken += limit.takes(now) ? 1 : 0;
    return taken;
}

}  // namespace

TEST_SUITE("record_limit") {
    TEST_CASE("record limit: so many a second, and no more than a second's worth at once") {
        RecordLimit limit(100, 1);
        RecordLimit::Clock::time_point now{1000s};
        CHECK(taken_in(1s, limit, now) <= 201);
        const std::uint64_t left_out = limit.left_out();
        CHECK(left_out >= 799);
        CHECK(taken_in(10s, limit, now) == 1000);
        CHECK(limit.take_left_out() == left_out + 9000);
        CHECK(limit.left_out() == 0);
    }

    TEST_CASE("record limit: several consumers share it, also where it is less than one each") {
        RecordLimit limit(2, 8);
        RecordLimit::Clock::time_point now{1000s};
        taken_in(4s, limit, now);
        CHECK(taken_in(40s, limit, now) == 10);
    }

    TEST_CASE("record limit: none is none, all is all") {
        RecordLimit none(0, 1);
        RecordLimit::Clock::time_point now{1000s};
        CHECK(taken_in(1s, none, now) == 0);
        CHECK(none.left_out() == 1000);
        CHECK(RecordLimit(RecordLimit::kAll, 1).is_unlimited());
        CHECK_FALSE(none.is_unlimited());
    }
}
