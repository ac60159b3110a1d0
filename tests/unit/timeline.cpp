#include "timeline.hpp"

#include <doctest/doctest.h>

using namespace drainpipe;

namespace {

std::uint64_t sum_of(const Timeline& timeline, std::size_t lane, Count what) {
    std::uint64_t sum = 0;
    for (std::size_t bucket = 0; bucket < timeline.size(); ++bucket) {
        sum += timeline.counts(lane, bucket)[static_cast<std::size_t>(what)];
    }
    return sum;
}

}  // namespace

TEST_SUITE("timeline") {
    TEST_CASE("it holds any time in the same number of buckets, and loses nothing") {
        Timeline timeline(1000);
        Microseconds time = 1000;
        std::uint64_t added = 0;
        for (Microseconds step = 1; step < 1'000'000'000'000; step += step / 8 + 1) {
            time += step;
            timeline.add(time, 1 + added % 3, Count::processed);
            timeline.see_id(time, ++added);
            CHECK(timeline.size() <= Timeline::kBuckets);
        }
        CHECK(sum_of(timeline, 1, Count::processed) + sum_of(timeline, 2, Count::processed) +
                  sum_of(timeline, 3, Count::processed) ==
              added);
        CHECK(timeline.highest_id(timeline.size() - 1) == added);
        CHECK(static_cast<Microseconds>(timeline.size()) * timeline.width() >= time - 1000);
    }

    TEST_CASE("a bucket has what happened in its time") {
        Timeline timeline(0);
        timeline.add(0, 1, Count::deaths);
        timeline.add(599, 1, Count::failed);
        timeline.add(100'000'000, 1, Count::dead);
        const auto at = [&](Microseconds time, Count what) {
            return timeline.counts(1, static_cast<std::size_t>(
                                          time / timeline.width()))[static_cast<std::size_t>(what)];
        };
        CHECK(at(0, Count::deaths) == 1);
        CHECK(at(599, Count::failed) == 1);
        CHECK(at(100'000'000, Count::dead) == 1);
    }

    TEST_CASE("what is older than the beginning counts there") {
        Timeline timeline(1'000'000);
        timeline.add(5, 2, Count::drained);
        CHECK(timeline.counts(2, 0)[static_cast<std::size_t>(Count::drained)] == 1);
        CHECK(done_in(timeline.counts(7, 3)) == 0);
    }

    TEST_CASE("what is spread is spread evenly and whole") {
        Timeline timeline(0);
        timeline.spread(0, 50'000, 1, Count::processed, 1001);
        CHECK(sum_of(timeline, 1, Count::processed) == 1001);
        std::uint64_t first_half = 0;
        for (std::size_t bucket = 0; bucket < timeline.size() / 2; ++bucket) {
            first_half += done_in(timeline.counts(1, bucket));
        }
        CHECK(first_half > 400);
        CHECK(first_half < 600);
    }
}
