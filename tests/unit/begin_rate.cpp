#include "begin_rate.hpp"

#include <doctest/doctest.h>

#include <deque>
#include <random>

using namespace drainpipe;
using namespace std::chrono_literals;

namespace {

using Time = BeginRate::Clock::time_point;

constexpr Time kStart{1000s};

}  // namespace

TEST_SUITE("begin_rate") {
    TEST_CASE("rate: two that share one begin no more than it in any second, and no less") {
        for (const int per_second : {1, 7, 100, 3000}) {
            CAPTURE(per_second);
            Word<std::int64_t> next{};
            BeginRate one(next, std::chrono::nanoseconds(1s) / per_second);
            BeginRate other(next, std::chrono::nanoseconds(1s) / per_second);
            std::mt19937 random(17);
            std::deque<Time> begun;
            std::uint64_t all = 0;
            // What is begun at once after a pause comes on top.
            const std::size_t most = static_cast<std::size_t>(per_second) +
                                     static_cast<std::size_t>(per_second / 100) + 1;
            const Time end = kStart + 20s;
            for (Time now = kStart; now < end; now += std::chrono::microseconds(random() % 900)) {
                BeginRate& rate = random() % 2 == 0 ? one : other;
                const std::uint64_t wanted = random() % 40;
                const std::uint64_t taken = rate.take(wanted, now);
                REQUIRE(taken <= wanted);
                const std::uint64_t back = random() % (taken + 1);
                rate.give_back(back);
                all += taken - back;
                begun.insert(begun.end(), taken - back, now);
                while (!begun.empty() && begun.front() <= now - 1s) begun.pop_front();
                REQUIRE(begun.size() <= most);
            }
            CHECK(all + 2 >= static_cast<std::uint64_t>(20 * per_second) * 9 / 10);
        }
    }

    TEST_CASE("rate: a pause saves up for no more than a moment") {
        Word<std::int64_t> next{};
        BeginRate rate(next, 1ms);
        CHECK(rate.take(1000, kStart) == 11);
        CHECK(rate.take(1000, kStart) == 0);
        CHECK(rate.next_time() == kStart + 1ms);
        CHECK(rate.take(1000, kStart + 1ms) == 1);
        CHECK(rate.take(1000, kStart + 1h) == 11);
    }

    TEST_CASE("rate: a slow one begins the first at once, and the next in its time") {
        Word<std::int64_t> next{};
        BeginRate rate(next, 1h);
        CHECK(rate.take(5, kStart) == 1);
        CHECK(rate.take(5, kStart + 59min) == 0);
        CHECK(rate.next_time() <= kStart + 1h);
        CHECK(rate.take(5, kStart + 1h) == 1);
    }

    TEST_CASE("rate: what is given back may be taken again") {
        Word<std::int64_t> next{};
        BeginRate rate(next, 1h);
        for (int round = 0; round < 100; ++round) {
            CHECK(rate.take(3, kStart) == 1);
            rate.give_back(1);
        }
        rate.give_back(0);
        CHECK(rate.take(3, kStart) == 1);
        CHECK(rate.take(3, kStart) == 0);
    }

    TEST_CASE("rate: none is no limit, and one that is lifted holds nothing back") {
        Word<std::int64_t> next{};
        CHECK_FALSE(BeginRate(next, 0ns).is_limited());
        BeginRate rate(next, 1s);
        CHECK(rate.is_limited());
        rate.lift();
        CHECK_FALSE(rate.is_limited());
    }
}
