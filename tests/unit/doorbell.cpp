#include "doorbell.hpp"

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

// Sleeps on the bell until `state` is set; returns how long that took.
Clock::duration sleep_until_set(Doorbell& bell, const Word<std::uint64_t>& state) {
    const auto begin = Clock::now();
    while (true) {
        const std::uint32_t noted = bell.prepare();
        if (state.load() != 0) {
            return Clock::now() - begin;
        }
        bell.sleep(noted);
    }
}

}  // namespace

TEST_SUITE("doorbell") {
    TEST_CASE("doorbell: a ring behind a change is never slept through") {
        ScratchSegment scratch("bell", 4, 100);
        Doorbell& bell = scratch.header().events_bell;
        for (int round = 0; round < 500; ++round) {
            Word<std::uint64_t>& state = scratch.header().settled_before_run;
            state.store(0);
            std::thread ringer([&] {
                state.store(1);
                bell.ring();
            });
            CHECK(sleep_until_set(bell, state) < Doorbell::kBackstop);
            ringer.join();
        }
    }

    TEST_CASE("doorbell: a sleeper wakes by itself when its ringer was killed before it rang") {
        ScratchSegment scratch("backstop", 4, 100);
        Doorbell& bell = scratch.header().events_bell;
        const auto begin = Clock::now();
        bell.sleep(bell.prepare());
        CHECK(Clock::now() - begin < 5 * Doorbell::kBackstop);
    }

    TEST_CASE("doorbell: a thousand sleepers killed in their sleep leave it working") {
        ScratchSegment scratch("killed", 4, 100);
        Doorbell& bell = scratch.header().events_bell;
        Word<std::uint64_t>& asleep = scratch.header().settled_before_run;
        for (std::uint64_t round = 1; round <= 1000; ++round) {
            const pid_t sleeper = ::fork();
            if (sleeper == 0) {
                while (true) {
                    const std::uint32_t noted = bell.prepare();
                    asleep.store(round);
                    bell.sleep(noted);
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
            bell.ring();
        });
        CHECK(sleep_until_set(bell, state) < Doorbell::kBackstop);
        ringer.join();
    }
}
