#include "adopted_children.hpp"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

using drainpipe::AdoptedChildren;

namespace {

// More than the kernel tells of in one read.
constexpr std::size_t kMany = 900;

}  // namespace

TEST_SUITE("adopted_children") {
    TEST_CASE("adopted children: all are seen, killed and reaped, however many there are") {
        const AdoptedChildren adopted;
        CHECK(adopted.list({}).empty());
        for (std::size_t count = 0; count < kMany; ++count) {
            const pid_t pid = ::fork();
            REQUIRE(pid >= 0);
            if (pid == 0) {
                ::pause();
                ::_exit(0);
            }
        }
        CHECK(adopted.list({}).size() == kMany);
        const pid_t own = adopted.list({}).back();
        CHECK(adopted.list({own}).size() == kMany - 1);
        for (int look = 0; look < 10'000 && adopted.kill({}, "NAME", "value"); ++look) {
            ::usleep(1000);
        }
        CHECK(adopted.list({}).empty());
    }

    TEST_CASE(
        "adopted children: those that were there before are none, and others are told apart") {
        const pid_t before = ::fork();
        REQUIRE(before >= 0);
        if (before == 0) {
            ::pause();
            ::_exit(0);
        }
        const AdoptedChildren adopted;
        const pid_t after = ::fork();
        REQUIRE(after >= 0);
        if (after == 0) {
            ::pause();
            ::_exit(0);
        }
        CHECK(adopted.list({}) == std::vector<pid_t>{after});
        CHECK_FALSE(adopted.kill({}, "DRAINPIPE_NO_SUCH_VARIABLE", "value"));
        for (const pid_t pid : {before, after}) {
            ::kill(pid, SIGKILL);
            ::waitpid(pid, nullptr, 0);
        }
    }
}
