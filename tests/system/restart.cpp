// Processes killed with SIGKILL: who comes back, and that nothing accepted is lost.

#include <doctest/doctest.h>

#include "harness/audit.hpp"
#include "harness/client.hpp"
#include "harness/expect.hpp"
#include "harness/pipeline.hpp"
#include "harness/process_table.hpp"
#include "harness/random.hpp"

using namespace harness;
using namespace std::chrono_literals;

namespace {

pid_t kill_stage(const Pipeline& pipeline, std::string_view role) {
    const auto pid = pipeline.stage(role);
    REQUIRE(pid.has_value());
    ::kill(*pid, SIGKILL);
    return *pid;
}

bool await_another(const Pipeline& pipeline, std::string_view role, pid_t dead) {
    return await([&] { return pipeline.stage(role).value_or(dead) != dead; }, 2s);
}

bool is_death_told(const RecordLog& log, std::string_view role, pid_t pid) {
    return log.first("child exited role=" + std::string(role))
        .starts_with("child exited role=" + std::string(role) + " pid=" + std::to_string(pid) +
                     " signal=SIGKILL");
}

TEST_SUITE("restart") {
    TEST_CASE("restart: a killed consumer is back within 2 s and does what was unfinished again") {
        Random random("killed consumers");
        for (int round = 0; round < 5; ++round) {
            Pipeline pipeline;
            pipeline.start({"--event-delay", "100us", "--max-demand", "100"});
            CHECK(pipeline.enqueue_all(numbers(1, 2000)) == 2000);
            CHECK(pipeline.await_output(100));
            let_pass(random.moment(20ms));
            const auto dead = kill_stage(pipeline, "consumer");
            CHECK(await_another(pipeline, "consumer", dead));
            CHECK(pipeline.stop() == 0);
            CHECK(fault_of_all_done(pipeline.whole_log(), pipeline.output(), 2000) == "");
            const auto log = pipeline.log();
            const auto marked = count_marked(log.events());
            CHECK(marked <= 100);
            const auto account = log.account();
            REQUIRE(account.has_value());
            CHECK(account->redelivered == marked);
            CHECK(account->accepted == 2000);
            CHECK(account->processed + account->emptied + account->drained == 2000);
            CHECK(is_death_told(log, "consumer", dead));
            CHECK(pipeline.leftovers() == "");
        }
    }

    TEST_CASE("restart: a consumer killed in the middle of a drain finishes it") {
        Pipeline pipeline;
        pipeline.start({"--event-delay", "1ms", "--max-demand", "10"});
        CHECK(pipeline.enqueue_all(numbers(1, 1000)) == 1000);
        pipeline.launcher().send(SIGTERM);
        CHECK(pipeline.await_record("drained id="));
        kill_stage(pipeline, "consumer");
        CHECK(pipeline.launcher().wait() == 0);
        CHECK(fault_of_all_done(pipeline.whole_log(), pipeline.output(), 1000) == "");
        CHECK(pipeline.log().account().value().left == 0);
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("restart: a killed producer is back within 2 s and kept what it had promised") {
        Random random("killed producers");
        for (int round = 0; round < 5; ++round) {
            Pipeline pipeline;
            pipeline.start({"--capacity", "200", "--event-delay", "20us"});
            auto client = pipeline.enqueue(100'000);
            CHECK(pipeline.await_output(100));
            let_pass(random.moment(20ms));
            const auto dead = kill_stage(pipeline, "producer");
            CHECK(client.wait() == 74);
            const auto promised = accepted_by(client.output());
            REQUIRE(promised.has_value());
            CHECK(await_another(pipeline, "producer", dead));
            CHECK(await([&] { return run(pipeline.command("enqueue", {"1"})).code == 0; }, 2s));
            CHECK(pipeline.stop() == 0);
            const auto log = pipeline.log();
            const auto account = log.account();
            REQUIRE(account.has_value());
            // The last event is the second client's.
            CHECK(account->accepted > *promised);
            CHECK(pipeline.output() == numbers(1, account->accepted - 1) + "1\n");
            CHECK(log.fault() == "");
            CHECK(fault_of_redelivery(log.events(), 1, account->accepted) == "");
            CHECK(is_death_told(log, "producer", dead));
            CHECK(pipeline.leftovers() == "");
        }
    }

    TEST_CASE("restart: after all were killed at once the next start recovers what was accepted") {
        Random random("all killed");
        for (int round = 0; round < 10; ++round) {
            Pipeline pipeline;
            const bool is_slow = round % 2 == 0;
            pipeline.start({"--event-delay", is_slow ? "50us" : "0", "--max-demand", "50",
                            "--capacity", "3000"});
            auto client = pipeline.enqueue(200'000);
            let_pass(random.moment(60ms));
            pipeline.kill_all();
            const int code = client.wait();
            CAPTURE(code);
            INFO("standard error of enqueue: ", client.errors());
            // One that came late finds nobody, or the last of the dying.
            const bool came_late = code == 69 || code == 75;
            CHECK((code == 74 || (came_late && accepted_by(client.output()).value_or(0) == 0)));
            const auto promised = accepted_by(client.output()).value_or(0);
            // A kill may cut a write; the next run has an output of its own and mends that one.
            auto first_output = pipeline.output();
            first_output.resize(first_output.rfind('\n') + 1);

            pipeline.start();
            CHECK(pipeline.stop() == 0);
            const auto log = pipeline.log();
            const auto account = log.account();
            REQUIRE(account.has_value());
            CHECK(account->left == 0);
            CHECK(number_of(log.first("recovered "), "events").value_or(0) == account->accepted);
            const auto events = pipeline.whole_log().events();
            const auto last = events.empty() ? 0 : events.back().id;
            CHECK(last >= promised);
            if (last > 0)
                CHECK(fault_of_all_done(pipeline.whole_log(), first_output + pipeline.output(),
                                        last) == "");
            CHECK(count_marked(events) <= 50);
            CHECK(pipeline.leftovers() == "");
        }
    }

    TEST_CASE("restart: a child that dies too often ends the run and what is left is kept") {
        Pipeline pipeline;
        pipeline.start({"--event-delay", "10ms", "--max-demand", "10", "--grace", "1s"});
        CHECK(pipeline.enqueue_all(numbers(1, 2000)) == 2000);
        const auto has_given_up = [&] {
            if (const auto consumer = pipeline.stage("consumer")) ::kill(*consumer, SIGKILL);
            return pipeline.launcher().has_ended();
        };
        CHECK(await(has_given_up));
        CHECK(pipeline.launcher().wait() == 70);
        CHECK(pipeline.log().account().value().left > 0);
        const auto first_output = pipeline.output();
        pipeline.start();
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.log().account().value().left == 0);
        CHECK(fault_of_repeats(pipeline.whole_log().events(), first_output + pipeline.output(), 1,
                               2000) == "");
    }

    TEST_CASE("restart: a stop right after a stage was killed still drains all") {
        for (const std::string role : {"consumer", "producer"}) {
            CAPTURE(role);
            Pipeline pipeline;
            pipeline.start({"--event-delay", "1ms", "--max-demand", "50"});
            CHECK(pipeline.enqueue_all(numbers(1, 500)) == 500);
            kill_stage(pipeline, role);
            CHECK(pipeline.stop() == 0);
            CHECK(fault_of_all_done(pipeline.whole_log(), pipeline.output(), 500) == "");
            CHECK(pipeline.log().starting("intake closed accepted=500").size() == 1);
            CHECK(pipeline.leftovers() == "");
        }
    }

    TEST_CASE("restart: kills at random moments in full flow lose nothing and tear no line") {
        Random random("kills in full flow");
        for (int round = 0; round < 6; ++round) {
            CAPTURE(round);
            Pipeline pipeline;
            pipeline.start();
            auto client = pipeline.enqueue(300'000);
            for (int kills = 0; kills < 5; ++kills) {
                let_pass(random.moment(30ms));
                if (const auto pid = pipeline.stage("consumer")) ::kill(*pid, SIGKILL);
            }
            CHECK(client.wait() == 0);
            CHECK(pipeline.stop() == 0);
            const auto log = pipeline.log();
            const auto events = log.events();
            CHECK(log.fault() == "");
            CHECK(fault_of_redelivery(events, 1, 300'000) == "");
            CHECK(fault_of_repeats(events, pipeline.output(), 1, 300'000) == "");
        }
    }

    TEST_CASE("restart: SIGTERM to a stage alone ends it cleanly and another takes its place") {
        Pipeline pipeline;
        pipeline.start({"--event-delay", "1ms", "--max-demand", "50"});
        CHECK(pipeline.enqueue_all(numbers(1, 500)) == 500);
        CHECK(pipeline.await_output(20));
        const auto consumer = pipeline.stage("consumer");
        REQUIRE(consumer.has_value());
        ::kill(*consumer, SIGTERM);
        CHECK(await_another(pipeline, "consumer", *consumer));
        CHECK(pipeline.stop() == 0);
        CHECK(fault_of_all_done(pipeline.whole_log(), pipeline.output(), 500) == "");
        CHECK(pipeline.leftovers() == "");
    }
}

}  // namespace
