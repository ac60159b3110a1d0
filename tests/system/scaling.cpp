// The number of consumers, changed while the pipeline runs.

#include <doctest/doctest.h>

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "harness/audit.hpp"
#include "harness/client.hpp"
#include "harness/expect.hpp"
#include "harness/pipeline.hpp"
#include "harness/random.hpp"

using namespace harness;
using namespace std::chrono_literals;

namespace {

// Asks the launcher for so many consumers, and does not wait until it is heard.
void ask_for(Pipeline& pipeline, int consumers) {
    send_datagram(pipeline.control(), "scale " + std::to_string(consumers));
}

// Enqueues 64 keys, and waits until the first two consumers have done what is theirs of them.
void check_flows(Pipeline& pipeline, std::uint64_t& enqueued, bool is_broadcast) {
    CHECK(pipeline.enqueue_all(numbers(1, 64)) == 64);
    enqueued += 64;
    const auto have_done = [&] {
        const auto last = "processed id=" + std::to_string(enqueued) + " ";
        const auto before = "[info] name=" + pipeline.name() + " ";
        const auto log = read_text(pipeline.log_file());
        return is_broadcast ? contains(log, "[consumer.1] " + before + last) &&
                                  contains(log, "[consumer.2] " + before + last)
                            : pipeline.log().starting("processed ").size() == enqueued;
    };
    REQUIRE(await(have_done));
}

// What waits at the end of each way to give events out, where a third consumer comes and goes as
// `go` says.
void check_nothing_stays(int rounds, const std::function<void(Pipeline&)>& go) {
    const std::vector<Flags> ways = {{}, {"--partition-by", "1"}, {"--dispatch", "broadcast"}};
    for (const Flags& way : ways) {
        CAPTURE(way);
        Pipeline pipeline;
        Flags flags{"--consumers", "2"};
        flags.insert(flags.end(), way.begin(), way.end());
        pipeline.start(flags);
        std::uint64_t enqueued = 0;
        std::optional<pid_t> third;  // that of the round before may still be about to end
        for (int round = 0; round < rounds; ++round) {
            const auto before = third;
            CHECK(pipeline.scale(3) == 0);
            CHECK(await([&] {
                third = pipeline.consumer(3);
                return third.has_value() && third != before;
            }));
            check_flows(pipeline, enqueued, way.size() == 2 && way[1] == "broadcast");
            go(pipeline);
            check_flows(pipeline, enqueued, way.size() == 2 && way[1] == "broadcast");
        }
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.log().account().value().accepted == enqueued);
        CHECK(pipeline.leftovers() == "");
    }
}

TEST_SUITE("scaling") {
    TEST_CASE("scaling: more and fewer while running, nothing is lost and nothing done twice") {
        Pipeline pipeline;
        pipeline.start({"--event-delay", "100us", "--max-demand", "200", "--grace", "1m"});
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
        pipeline.start({"--event-delay", "10ms", "--grace", "1m"});
        for (const std::string count : {"0", "65", "-1", "many", ""}) {
            CAPTURE(count);
            const auto outcome = run(pipeline.command("launcher", {"scale", count}));
            CHECK(outcome.code == 64);
            CHECK(is_one_line(outcome.errors));
        }
        CHECK(run(pipeline.command("launcher", {"grow", "2"})).code == 64);
        CHECK(pipeline.enqueue_all(numbers(1, 5000)) == 5000);
        pipeline.launcher().send(SIGTERM);
        CHECK(pipeline.await_record("terminating "));
        CHECK(pipeline.scale(2) == 75);
        CHECK(pipeline.stop(SIGQUIT) == 124);
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

    TEST_CASE("scaling: fewer, more and fewer again at once leaves nothing with who is gone") {
        Random random("fewer, more, fewer");
        check_nothing_stays(12, [&](Pipeline& pipeline) {
            ask_for(pipeline, 2);
            let_pass(random.moment(700us));
            ask_for(pipeline, 3);
            let_pass(random.moment(900us));
            ask_for(pipeline, 2);
        });
    }

    TEST_CASE("scaling: one that is sent away just before it is not to be there leaves nothing") {
        Random random("sent away");
        // One that leaves unasked counts as a death: five in ten seconds are borne.
        check_nothing_stays(5, [&](Pipeline& pipeline) {
            ::kill(pipeline.consumer(3).value(), SIGTERM);
            let_pass(random.moment(1500us));
            ask_for(pipeline, 2);
        });
    }

    TEST_CASE("scaling: what is no command is passed over") {
        Pipeline pipeline;
        pipeline.start();
        for (const std::string text : {"", "scale", "scale 0", "scale 65", "scale x", "stop now",
                                       "scale -1", "scale 99999999999999999999"}) {
            send_datagram(pipeline.control(), text);
        }
        send_datagram(pipeline.control(), std::string(4096, 's'));
        CHECK(pipeline.scale(2) == 0);
        CHECK(await([&] { return pipeline.consumer(2).has_value(); }));
        CHECK(pipeline.log().starting("scale ").size() == 1);
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("scaling: it may be asked for from another pid namespace") {
        const std::vector<std::string> words = {
            "/usr/bin/unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child"};
        Command trial{.words = words};
        trial.words.push_back("/bin/true");
        if (run(trial).code != 0) {
            MESSAGE("skipped: may not make a namespace");
            return;
        }
        Pipeline pipeline;
        pipeline.start();
        auto command = pipeline.command("launcher", {"scale", "2"});
        command.words.insert(command.words.begin(), words.begin(), words.end());
        const auto outcome = run(command);
        INFO("standard error: ", outcome.errors);
        CHECK(outcome.code == 0);
        CHECK(await([&] { return pipeline.consumer(2).has_value(); }));
        auto second = pipeline.launcher_command();
        second.words.insert(second.words.begin(), words.begin(), words.end());
        const auto refused = run(second);
        CHECK(refused.code == 75);
        CHECK(contains(refused.errors, "another pid namespace"));
        CHECK(pipeline.stop() == 0);
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

    TEST_CASE("scaling: a consumer that hangs is ended, and the others do what it had") {
        for (const Flags& way : std::vector<Flags>{{}, {"--dispatch", "broadcast"}}) {
            CAPTURE(way.size());
            Pipeline pipeline;
            Flags flags{"--consumers", "2", "--grace", "300ms", "--max-demand", "10"};
            flags.insert(flags.end(), way.begin(), way.end());
            pipeline.start(flags);
            const auto hung = pipeline.consumer(2).value();
            freeze_without_lock(pipeline, hung);
            CHECK(pipeline.enqueue_all(numbers(1, 50)) == 50);
            CHECK(pipeline.scale(1) == 0);
            const auto record = "consumer.2 pid=" + std::to_string(hung) + " did not leave";
            CHECK(pipeline.await_record(record));
            CHECK(await([&] { return !pipeline.consumer(2).has_value(); }));
            const auto has_done_all = [&] {
                std::set<std::uint64_t> ids;
                for (const auto& event : pipeline.log().events()) ids.insert(event.id);
                return ids.size() == 50;
            };
            CHECK(await(has_done_all));
            CHECK(pipeline.stop() == 0);
            CHECK(pipeline.log().account().value().accepted == 50);
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
