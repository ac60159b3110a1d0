// The number of consumers, changed while the pipeline runs.

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "harness/audit.hpp"
#include "harness/expect.hpp"
#include "harness/pipeline.hpp"

using namespace harness;
using namespace std::chrono_literals;

namespace {

TEST_SUITE("scaling") {
    TEST_CASE("scaling: more and fewer while running, nothing is lost and nothing done twice") {
        Pipeline pipeline;
        pipeline.start({"--event-delay", "100us", "--max-demand", "200"});
        auto client = pipeline.enqueue(10'000);
        for (const unsigned count : {4u, 2u, 6u, 1u, 3u}) {
            CHECK(pipeline.scale(count) == 0);
            CHECK(await([&] { return pipeline.consumer(count).has_value(); }));
            CHECK(await([&] { return !pipeline.consumer(count + 1).has_value(); }));
            let_pass(30ms);
        }
        CHECK(client.wait() == 0);
        CHECK(pipeline.stop() == 0);
        const auto log = pipeline.log();
        CHECK(fault_of_shared_run(log, pipeline.output()) == "");
        CHECK(log.account().value().redelivered == 0);
        CHECK(log.starting("scale consumers=").size() == 5);
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("scaling: it says what it can't do") {
        Pipeline pipeline;
        CHECK(pipeline.scale(2) == 69);
        pipeline.start({"--event-delay", "10ms", "--grace", "1s"});
        for (const std::string count : {"0", "65", "-1", "many", ""}) {
            CAPTURE(count);
            const auto outcome = run(pipeline.command("launcher", {"scale", count}));
            CHECK(outcome.code == 64);
            CHECK(is_one_line(outcome.errors));
        }
        CHECK(run(pipeline.command("launcher", {"grow", "2"})).code == 64);
        CHECK(pipeline.enqueue_all(numbers(1, 1000)) == 1000);
        pipeline.launcher().send(SIGTERM);
        CHECK(pipeline.await_record("terminating "));
        CHECK(pipeline.scale(2) == 75);
        CHECK(pipeline.launcher().wait() == 124);
    }

    TEST_CASE("scaling: down and up again at once is no death") {
        Pipeline pipeline;
        pipeline.start({"--consumers", "2", "--event-delay", "5ms", "--max-demand", "4"});
        auto client = pipeline.enqueue(400);
        for (int round = 0; round < 12; ++round) {
            CHECK(pipeline.scale(1) == 0);
            CHECK(pipeline.scale(2) == 0);
            let_pass(20ms);
        }
        CHECK(client.wait() == 0);
        CHECK(pipeline.stop() == 0);
        CHECK(fault_of_shared_run(pipeline.log(), pipeline.output()) == "");
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("scaling: two that ask at once are both answered") {
        Pipeline pipeline;
        pipeline.start();
        std::vector<Process> askers;
        for (int number = 1; number <= 6; ++number) {
            askers.emplace_back(pipeline.command("launcher", {"scale", std::to_string(number)}));
        }
        for (auto& asker : askers) CHECK(asker.wait(3s) == 0);
        CHECK(pipeline.stop() == 0);
    }

    TEST_CASE("scaling: to more than the system has room for goes on with fewer, and says so") {
        // Which call it is that finds no descriptor left depends on the limit.
        for (int limit = 38; limit <= 41; ++limit) {
            CAPTURE(limit);
            Pipeline pipeline;
            pipeline.start(after("ulimit -n " + std::to_string(limit) + "; exec \"$@\"",
                                 pipeline.launcher_command()));
            CHECK(pipeline.scale(40) == 0);
            CHECK(await(
                [&] { return contains(read_text(pipeline.log_file()), "going on with fewer"); }));
            CHECK(pipeline.enqueue_all(numbers(1, 1000)) == 1000);
            CHECK(pipeline.stop() == 0);
            CHECK(fault_of_shared_run(pipeline.log(), pipeline.output()) == "");
            CHECK(pipeline.leftovers() == "");
        }
    }

    TEST_CASE("scaling: a consumer of a number that there is not is turned away") {
        Pipeline pipeline;
        pipeline.start({"--consumers", "2"});
        const auto stray = run(pipeline.command("consumer", {"--number", "3"}));
        CHECK(stray.code == 69);
        CHECK(is_one_line(stray.errors));
        CHECK(pipeline.stop() == 0);
    }
}

}  // namespace
