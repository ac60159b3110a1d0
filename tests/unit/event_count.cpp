#include "event_count.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <thread>

#include "forked.hpp"
#include "scratch_segment.hpp"

using namespace drainpipe;
using drainpipe::test::ScratchSegment;
using drainpipe::test::was_killed;
using Clock = std::chrono::steady_clock;

namespace {

// Sleeps on the event count until `state` is set; returns how long that took.
Clock::duration sleep_until_set(EventCount& event_count, const Word<std::uint64_t>& state) {
    const auto begin = Clock::now();
    while (true) {
        const std::uint32_t noted = event_count.prepare_wait();
        if (state.load() != 0) {
            return Clock::now() - begin;
        }
        event_count.wait(noted);
    }
}

}  // namespace

TEST_SUITE("event_count") {
    TEST_CASE("event count: a ring behind a change is never slept through") {
        ScratchSegment scratch("event_count", 4, 100);
        EventCount& event_count = scratch.header().events_available;
        for (int round = 0; round < 500; ++round) {
            Word<std::uint64_t>& state = scratch.header().settled_before_run;
            state.store(0);
            std::thread ringer([&] {
                state.store(1);
                event_count.notify();
            });
            CHECK(sleep_until_set(event_count, state) < EventCount::kBackstop);
            ringer.join();
        }
    }

    TEST_CASE("event count: a sleeper wakes by itself when its ringer was killed before it rang") {
        ScratchSegment scratch("backstop", 4, 100);
        EventCount& event_count = scratch.header().events_available;
        const auto begin = Clock::now();
        event_count.wait(event_count.prepare_wait());
        CHECK(Clock::now() - begin < 5 * EventCount::kBackstop);
    }

    TEST_CASE("event count: a thousand sleepers killed in their sleep leave it working") {
        ScratchSegment scratch("killed", 4, 100);
        EventCount& event_count = scratch.header().events_available;
        Word<std::uint64_t>& asleep = scratch.header().settled_before_run;
        for (std::uint64_t round = 1; round <= 1000; ++round) {
            const pid_t sleeper = ::fork();
            if (sleeper == 0) {
                while (true) {
                    const std::uint32_t noted = event_count.prepare_wait();
                    asleep.store(round);
                    event_count.wait(noted);
                }
            }
            while (asleep.load() != round) {
                std::this_thread::yield();
            }
            ::kill(sleeper, SIGKILL);
            REQUIRE(was_killed(sleeper));
        }
        Word<std::uint64_t>& state = scratch.header().stopped_given_end;
        state.store(0);
        std::thread ringer([&] {
            state.store(1);
            event_count.notify();
        });
        CHECK(sleep_until_set(event_count, state) < EventCount::kBackstop);
        ringer.join();
    }
}
