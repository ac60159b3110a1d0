#include <doctest/doctest.h>

#include <chrono>
#include <mutex>

#include "forked.hpp"
#include "ring_lock.hpp"
#include "scratch_segment.hpp"

using namespace drainpipe;
using drainpipe::test::fork_to_die;
using drainpipe::test::ScratchSegment;
using drainpipe::test::was_killed;

TEST_SUITE("robust_lock") {
    TEST_CASE("lock: a process killed with it leaves it to the next one, again and again") {
        ScratchSegment scratch("lock", 4, 100);
        for (int round = 0; round < 200; ++round) {
            const pid_t holder = fork_to_die([&] { RobustLock(scratch.header().lock).lock(); });
            REQUIRE(was_killed(holder));
            const auto begin = std::chrono::steady_clock::now();
            RobustLock lock(scratch.header().lock);
            const std::lock_guard guard(lock);
            CHECK(std::chrono::steady_clock::now() - begin < std::chrono::milliseconds(100));
        }
    }
}
