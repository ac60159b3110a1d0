#include "history.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <memory>

using namespace drainpipe;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

// A sample each second from time 1000 s on; so many events come in each second, at an even pace.
std::unique_ptr<History> history_of(int seconds, std::uint64_t events_each) {
    auto history = std::make_unique<History>();
    for (int second = 0; second < seconds; ++second) {
        const auto events = static_cast<std::uint64_t>(second) * events_each;
        history->append({(1000 + second) * kSecond, events, events / 2});
    }
    return history;
}

}  // namespace

TEST_SUITE("history") {
    TEST_CASE(
        "history: an empty one knows nothing, and takes an event for one that has just come") {
        const auto history = std::make_unique<History>();
        CHECK_FALSE(history->latest());
        CHECK_FALSE(history->before(5 * kSecond, kSecond));
        CHECK(history->accepted_at(0, 5 * kSecond, 1) == 5 * kSecond);
    }

    TEST_CASE("history: the sample that a rate is told from is the latest that is old enough") {
        const auto history = history_of(10, 100);
        const auto sample = history->before(1009 * kSecond + kSecond / 4, kSecond / 2);
        REQUIRE(sample);
        CHECK(sample->at == 1008 * kSecond);
        CHECK(sample->accepted == 800);
        CHECK(sample->done == 400);
        CHECK(history->before(1009 * kSecond, 60 * kSecond)->at == 1000 * kSecond);
        CHECK(history->latest()->at == 1009 * kSecond);
    }

    TEST_CASE("history: for a quarter of an hour an age is right to a second") {
        const int seconds = 3000;
        const auto history = history_of(seconds, 100);
        const std::int64_t now = (1000 + seconds) * kSecond;
        for (int age = 1; age < 1000; age += 7) {
            CAPTURE(age);
            const auto event = static_cast<std::uint64_t>(seconds - age) * 100;
            const std::int64_t at = history->accepted_at(event, now, seconds * 100);
            CHECK(std::abs(now - at - age * kSecond) <= kSecond);
        }
    }

    TEST_CASE("history: an older one is right to a five-hundredth of its age, for days") {
        const int seconds = 3 * 24 * 3600;
        const auto history = history_of(seconds, 10);
        const std::int64_t now = (1000 + seconds) * kSecond;
        for (int age = 1000; age < seconds; age = age * 3 / 2) {
            CAPTURE(age);
            const auto event = static_cast<std::uint64_t>(seconds - age) * 10;
            const std::int64_t at = history->accepted_at(event, now, seconds * 10);
            CHECK(std::abs(now - at - age * kSecond) <= age * (kSecond / 500));
        }
    }

    TEST_CASE("history: an event that came after the last sample is no older than that") {
        const auto history = history_of(10, 100);
        const std::int64_t at = history->accepted_at(950, 1012 * kSecond, 1000);
        CHECK(at > 1009 * kSecond);
        CHECK(at < 1012 * kSecond);
    }

    TEST_CASE("history: one that came just before a crash is as old as the last sign of life") {
        auto history = history_of(10, 100);
        history->append({1600 * kSecond, 1000, 0});
        const std::int64_t at = history->accepted_at(990, 1601 * kSecond, 1000);
        CHECK(at >= 1009 * kSecond);
        CHECK(at <= 1011 * kSecond);
    }

    TEST_CASE("history: one that came after a long pause is as old as it is") {
        auto history = history_of(500, 0);
        history->append({1500 * kSecond, 1, 0});
        history->append({1501 * kSecond, 1, 0});
        const std::int64_t at = history->accepted_at(0, 1501 * kSecond, 1);
        CHECK(at >= 1499 * kSecond);
        CHECK(at <= 1500 * kSecond);
    }
}
