// The picture of a run: what it says is what the run's log, as other tests read it, has.

#include <doctest/doctest.h>

#include "harness/await.hpp"
#include "harness/pipeline.hpp"
#include "run_curves.hpp"
#include "run_log.hpp"
#include "run_words.hpp"

using namespace harness;
using namespace std::chrono_literals;

namespace {

// What the report has to say of a pipeline's log.
struct Reported {
    drainpipe::RunLog log{16};

    explicit Reported(const Pipeline& pipeline) {
        log.read(pipeline.log_file());
        REQUIRE_FALSE(log.runs().empty());
        CHECK(log.foreign_lines() == 0);
    }
    [[nodiscard]] const drainpipe::RunHistory& run() const { return log.runs().back(); }
    [[nodiscard]] drainpipe::Curves curves() const {
        return drainpipe::curves_of(run(), run().timeline());
    }
    [[nodiscard]] drainpipe::RunFigures figures() const {
        return drainpipe::figures_of(run(), curves());
    }
    [[nodiscard]] std::uint64_t total(drainpipe::Count what) const {
        std::uint64_t sum = 0;
        for (const auto& stage : run().stages()) {
            sum += stage.totals[static_cast<std::size_t>(what)];
        }
        return sum;
    }
    [[nodiscard]] bool has_step(std::string_view label) const {
        const auto steps = drainpipe::steps_of(run());
        return std::ranges::any_of(steps,
                                   [&](const auto& step) { return step.label.starts_with(label); });
    }
};

// A replacement of a killed consumer that is at work.
bool await_other_than(const Pipeline& pipeline, unsigned number, pid_t pid) {
    return await([&] {
        const auto now = pipeline.consumer(number);
        return now && *now != pid;
    });
}

}  // namespace

TEST_SUITE("report") {
    TEST_CASE("report: an ordinary stop has its account, its steps and a record for each event") {
        Pipeline pipeline;
        pipeline.start({"--event-delay", "200us"});
        CHECK(pipeline.enqueue(2000).wait() == 0);
        REQUIRE(pipeline.await_output(500));
        CHECK(pipeline.stop() == 0);
        const Reported reported(pipeline);
        const auto account = pipeline.log().account();
        REQUIRE(account);
        CHECK(reported.run().name() == pipeline.name());
        CHECK(reported.figures().account.accepted == 2000);
        CHECK(reported.figures().account.drained == account->drained);
        CHECK(reported.figures().records == 2000);
        CHECK(reported.curves().slices.back().done == 2000);
        for (const char* const label :
             {"ready", "stopping, SIGTERM", "intake closed", "terminating", "drained", "summary"}) {
            CAPTURE(std::string(label));
            CHECK(reported.has_step(label));
        }
        CHECK(drainpipe::ending_of(reported.run())
                  .ends_with("everything that was accepted was done."));
    }

    TEST_CASE("report: every kill is a death, and what follows it a restart") {
        Pipeline pipeline;
        pipeline.start({"--event-delay", "200us", "--consumers", "2"});
        CHECK(pipeline.enqueue(5000).wait() == 0);
        for (int round = 0; round < 3; ++round) {
            const auto consumer = pipeline.consumer(2);
            REQUIRE(consumer);
            REQUIRE(::kill(*consumer, SIGKILL) == 0);
            REQUIRE(await_other_than(pipeline, 2, *consumer));
        }
        CHECK(pipeline.stop() == 0);
        const Reported reported(pipeline);
        CHECK(reported.figures().deaths == 3);
        CHECK(reported.figures().starts == 3);
        CHECK(reported.run().stages()[2].gaps.size() == 3);
        CHECK(reported.figures().account.settled() == 5000);
        CHECK(reported.figures().records >= 5000);
    }

    TEST_CASE("report: failures and dead letters are counted with their reasons") {
        Pipeline pipeline;
        pipeline.start({"--exec", "test $1 -gt 3 || exit 7", "--retries", "1", "--backoff", "1ms"});
        CHECK(pipeline.enqueue(20).wait() == 0);
        REQUIRE(pipeline.await_output(0));
        REQUIRE(await([&] { return pipeline.log().starting("dead id=").size() == 3; }));
        CHECK(pipeline.stop() == 65);
        const Reported reported(pipeline);
        CHECK(reported.total(drainpipe::Count::failed) == 3);
        CHECK(reported.total(drainpipe::Count::dead) == 3);
        CHECK(reported.run().reasons().at("exit status 7") == 6);
        CHECK(reported.run().work().events == 17);
        CHECK(reported.figures().account.dead == 3);
    }

    TEST_CASE("report: a run that was cut off and the one that goes on are two") {
        Pipeline pipeline;
        pipeline.start({"--grace", "300ms", "--event-delay", "5ms"});
        CHECK(pipeline.enqueue(1000).wait() == 0);
        CHECK(pipeline.stop() == 124);
        pipeline.start();
        REQUIRE(await([&] { return pipeline.log().starting("processed id=1000 ").size() == 1; }));
        CHECK(pipeline.stop() == 0);
        const Reported reported(pipeline);
        REQUIRE(reported.log.runs().size() == 2);
        const drainpipe::RunHistory& first = reported.log.runs()[0];
        REQUIRE(first.account());
        CHECK(drainpipe::ending_of(first).find("cut off at the deadline") != std::string::npos);
        CHECK(reported.run().recovered() == first.account()->left);
        CHECK(reported.curves().slices.front().accepted == first.account()->left);
        CHECK(reported.figures().records == first.account()->left);
    }

    TEST_CASE("report: a run whose launcher was killed ends with the account of a stage") {
        Pipeline pipeline;
        pipeline.start();
        CHECK(pipeline.enqueue(100).wait() == 0);
        REQUIRE(::kill(pipeline.launcher().pid(), SIGKILL) == 0);
        REQUIRE(pipeline.await_record("summary "));
        const Reported reported(pipeline);
        CHECK(reported.run().accountant() != drainpipe::Program::launcher);
        CHECK(drainpipe::ending_of(reported.run()).starts_with("The launcher died"));
    }
}
