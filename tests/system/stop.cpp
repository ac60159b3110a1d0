// Stops at every moment, and what the account says afterwards.

#include <doctest/doctest.h>

#include <filesystem>
#include <optional>
#include <system_error>

#include "harness/audit.hpp"
#include "harness/expect.hpp"
#include "harness/pipeline.hpp"
#include "harness/process_table.hpp"
#include "harness/random.hpp"

using namespace harness;
using namespace std::chrono_literals;

namespace {

// What a client that raced a stop got in, by its own word: all, some, or it came too late to
// connect.
std::uint64_t accepted_in_race(Process& client) {
    const int code = client.wait();
    INFO("standard error of enqueue: ", client.errors());
    INFO("exit code of enqueue: ", code);
    CHECK((code == 0 || code == 75 || code == 69));
    const auto accepted = accepted_by(client.output());
    CHECK((accepted.has_value() || code == 69));
    return accepted.value_or(0);
}

// Starts, enqueues 7000, stops at a random moment, and checks every word of the story.
void run_random_stop(Random& random) {
    const std::vector<std::string> delays = {"0", "0", "0", "10us"};
    const std::vector<Flags> demands = {{},
                                        {"--max-demand", "10"},
                                        {"--max-demand", "1", "--min-demand", "0"},
                                        {"--capacity", "64"}};
    auto flags = demands[random.between<std::size_t>(0, demands.size() - 1)];
    flags.insert(flags.end(), {"--event-delay", delays[random.between<std::size_t>(0, 3)]});
    const auto moment = random.moment(random.between(0, 1) == 0 ? 5ms : 40ms);
    CAPTURE(flags.at(1));
    CAPTURE(moment.count());

    Pipeline pipeline;
    pipeline.start(flags);
    auto client = pipeline.enqueue(7000);
    let_pass(moment);
    CHECK(pipeline.stop(random.between(0, 1) == 0 ? SIGTERM : SIGINT) == 0);
    const auto accepted = accepted_in_race(client);
    const auto log = pipeline.log();
    CHECK(fault_of_run(log, pipeline.output()) == "");
    REQUIRE(log.account().has_value());
    CHECK(log.account().value().accepted == accepted);
    CHECK(pipeline.output() == numbers(1, accepted));
    CHECK(pipeline.leftovers() == "");
}

TEST_SUITE("stop") {
    TEST_CASE("stop: every accepted event is accounted for, whatever the moment") {
        Random random("random stops");
        for (int round = 1; round <= 50; ++round) {
            CAPTURE(round);
            run_random_stop(random);
        }
    }

    TEST_CASE("stop: an idle pipeline stops at once") {
        for (const int signal : {SIGTERM, SIGINT}) {
            Pipeline pipeline;
            pipeline.start({"--grace", "60s"});
            const Stopwatch watch;
            CHECK(pipeline.stop(signal) == 0);
            CHECK(watch.elapsed() < kAtOnce);
            CHECK(fault_of_run(pipeline.log(), pipeline.output()) == "");
            CHECK(pipeline.leftovers() == "");
        }
    }

    TEST_CASE("stop: SIGTERM within 10 ms of the start leaves nothing behind") {
        Random random("early stops");
        for (int round = 0; round < 20; ++round) {
            Pipeline pipeline;
            auto& launcher = pipeline.launch();
            const auto moment = random.moment(10ms);
            CAPTURE(moment.count());
            let_pass(moment);
            const int code = pipeline.stop();
            // Before its first instruction no program can do anything about a signal.
            const bool was_unborn = code == 128 + SIGTERM && launcher.errors().empty();
            CHECK((code == 0 || was_unborn));
            CHECK(await([&] { return pipeline.leftovers().empty(); }, 2s));
        }
    }

    TEST_CASE("stop: a producer that waits on a full ring lets go") {
        Pipeline pipeline;
        pipeline.start({"--capacity", "100", "--max-demand", "10", "--event-delay", "2ms"});
        auto client = pipeline.enqueue(7000);
        CHECK(pipeline.await_output(20));
        CHECK(pipeline.stop() == 0);
        CHECK(client.wait() == 75);
        CHECK(contains(client.errors(), "shut"));
        const auto log = pipeline.log();
        CHECK(fault_of_run(log, pipeline.output()) == "");
        const auto accepted = accepted_by(client.output());
        CHECK(accepted == log.account().value().accepted);
        CHECK(pipeline.output() == numbers(1, accepted.value_or(0)));
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("stop: eight clients race it, and what they got in is what was accepted") {
        Random random("racing clients");
        for (int round = 0; round < 5; ++round) {
            Pipeline pipeline;
            pipeline.start();
            std::vector<Process> clients;
            std::vector<Client> expected;
            for (int number = 0; number < 8; ++number) {
                expected.push_back({"c" + std::to_string(number) + "-", 0});
                clients.push_back(
                    pipeline.enqueue_text(numbers(1, 20'000, expected.back().prefix)));
            }
            let_pass(random.moment(100ms));
            CHECK(pipeline.stop() == 0);
            std::uint64_t total = 0;
            for (std::size_t index = 0; index < clients.size(); ++index) {
                expected[index].accepted = accepted_in_race(clients[index]);
                total += expected[index].accepted;
            }
            const auto log = pipeline.log();
            CHECK(log.account().value().accepted == total);
            CHECK(fault_of_clients(expected, pipeline.output()) == "");
            CHECK(fault_of_run(log, pipeline.output()) == "");
        }
    }

    TEST_CASE("stop: the messages of a stop are the contract's") {
        Pipeline pipeline;
        pipeline.start({"--event-delay", "1ms", "--max-demand", "100"});
        CHECK(pipeline.enqueue_all(numbers(1, 1000)) == 1000);
        CHECK(pipeline.stop() == 0);
        const auto log = pipeline.log();
        CHECK(log.first("stopping ").starts_with("stopping reason=SIGTERM grace=10s"));
        CHECK(log.first("intake closed ").starts_with("intake closed accepted=1000"));
        CHECK(log.first("terminating ").starts_with("terminating in_flight="));
        CHECK(log.account().value().emptied > 0);
        CHECK(log.account().value().emptied <= 100);
        CHECK(log.account().value().drained > 0);
        CHECK(fault_of_run(log, pipeline.output()) == "");
        for (const auto* told : {"ready", "stopping", "summary accepted=1000"}) {
            CAPTURE(told);
            CHECK(contains(pipeline.errors(), told));
        }
    }

    TEST_CASE("stop: the ready record tells who and where") {
        Pipeline pipeline;
        pipeline.start();
        const auto log = pipeline.log();
        const auto ready = log.first("ready ");
        CHECK(value_of(ready, "name") == pipeline.name());
        const auto run = value_of(ready, "run").value_or("");
        CHECK(run.size() >= 8);
        CHECK(run.find_first_not_of("0123456789abcdef") == std::string_view::npos);
        CHECK(value_of(ready, "launcher") == std::to_string(pipeline.launcher().pid()));
        CHECK(value_of(ready, "producer") ==
              std::to_string(pipeline.stage("producer").value_or(0)));
        CHECK(value_of(ready, "consumer") ==
              std::to_string(pipeline.stage("consumer").value_or(0)));
        CHECK(value_of(ready, "segment") == pipeline.segment().string());
        CHECK(value_of(ready, "socket") == pipeline.socket().string());
        using std::filesystem::perms;
        CHECK(std::filesystem::status(pipeline.segment()).permissions() == perms{0600});
        CHECK(std::filesystem::status(pipeline.socket()).permissions() == perms{0600});
        CHECK(std::filesystem::status(pipeline.run_dir()).permissions() == perms{0700});
        CHECK(pipeline.stop() == 0);
    }

    TEST_CASE("stop: a stage started by hand meanwhile is turned away and changes nothing") {
        Pipeline pipeline;
        pipeline.start({"--event-delay", "5ms", "--max-demand", "10"});
        CHECK(pipeline.enqueue_all(numbers(1, 600)) == 600);
        pipeline.launcher().send(SIGTERM);
        CHECK(pipeline.await_record("terminating "));
        for (const auto* role : {"producer", "consumer"}) {
            CAPTURE(role);
            const auto outcome = run(pipeline.command(role));
            CHECK(outcome.code == 75);
            CHECK(outcome.elapsed < kAtOnce);
            CHECK(is_one_line(outcome.errors));
            CHECK(contains(outcome.errors, "pipeline '" + pipeline.name() + "'"));
            CHECK(contains(outcome.errors, "is shutting down"));
        }
        CHECK(pipeline.launcher().wait() == 0);
        CHECK(fault_of_run(pipeline.log(), pipeline.output()) == "");
        CHECK(pipeline.log().starting("summary ").size() == 1);
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("stop: a stage that the launcher never knew leaves the account to it") {
        Pipeline pipeline;
        pipeline.start();
        CHECK(pipeline.enqueue_all(numbers(1, 100)) == 100);
        const auto producer = pipeline.stage("producer").value();
        freeze(pipeline.launcher().pid());
        ::kill(producer, SIGKILL);
        std::optional<Process> by_hand;
        // Until the last thread of the dead one is gone its place is held. One that was let in has
        // a second thread, which waits for what the launcher does; its segment it has mapped
        // before.
        const auto has_joined = [&] {
            if (!by_hand || by_hand->has_ended()) by_hand.emplace(pipeline.command("producer"));
            std::error_code gone;
            std::filesystem::directory_iterator thread(
                "/proc/" + std::to_string(by_hand->pid()) + "/task", gone);
            if (!gone && thread != end(thread)) thread.increment(gone);
            return !gone && thread != end(thread);
        };
        CHECK(await(has_joined));
        pipeline.launcher().send(SIGTERM);
        pipeline.launcher().send(SIGCONT);
        CHECK(pipeline.launcher().wait() == 0);
        CHECK(by_hand->wait() == 0);
        CHECK(pipeline.log().starting("external ").empty());
        CHECK(pipeline.log().starting("summary ").size() == 1);
        CHECK(pipeline.leftovers() == "");
    }
}

}  // namespace
