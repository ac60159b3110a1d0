// A launcher killed with SIGKILL: its children finish by themselves, and the next start takes over.

#include <doctest/doctest.h>

#include "harness/audit.hpp"
#include "harness/expect.hpp"
#include "harness/pipeline.hpp"
#include "harness/process_table.hpp"

using namespace harness;
using namespace std::chrono_literals;

namespace {

void kill_launcher(Pipeline& pipeline) {
    pipeline.launcher().send(SIGKILL);
    CHECK(pipeline.launcher().wait() == 128 + SIGKILL);
}

TEST_SUITE("orphan") {
    TEST_CASE("orphan: when the launcher is killed its children drain and leave by themselves") {
        Pipeline pipeline;
        pipeline.start({"--event-delay", "1ms", "--max-demand", "10"});
        CHECK(pipeline.enqueue_all(numbers(1, 500)) == 500);
        kill_launcher(pipeline);
        CHECK(await([&] { return processes_marked(pipeline.name()).empty(); }, 10s));
        const auto first_output = pipeline.output();
        CHECK(first_output == numbers(1, 500));
        pipeline.start();
        CHECK(pipeline.stop() == 0);
        CHECK(fault_of_all_done(pipeline.whole_log(), first_output + pipeline.output(), 500) == "");
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("orphan: what a consumer had that dies with the launcher is drained by the others") {
        for (const Flags& way : {Flags{}, Flags{"--partition-by", "1"}}) {
            CAPTURE(way.size());
            Pipeline pipeline;
            Flags flags{"--event-delay", "1ms", "--max-demand", "40"};
            flags.insert(flags.end(), way.begin(), way.end());
            pipeline.start(flags);
            CHECK(pipeline.scale(2) == 0);
            CHECK(await([&] { return pipeline.consumer(2).has_value(); }));
            CHECK(pipeline.enqueue_all(numbers(1, 400)) == 400);
            CHECK(await([&] { return contains(read_text(pipeline.log_file()), "[consumer.2]"); }));
            const auto second = pipeline.consumer(2).value();
            freeze(pipeline.launcher().pid());
            freeze(second);
            ::kill(second, SIGKILL);
            kill_launcher(pipeline);
            CHECK(await([&] { return processes_marked(pipeline.name()).empty(); }, 10s));
            CHECK(fault_of_shared_run(pipeline.log(), pipeline.output()) == "");
            CHECK(pipeline.leftovers() == "");
        }
    }

    TEST_CASE("orphan: what work has hidden is ended with its consumer, without a launcher") {
        const std::string worker =
            "setsid sleep 1000 & while read -r id rest; do echo \"ok $id\"; done";
        for (const Flags& work :
             {Flags{"--worker", worker}, Flags{"--exec", "setsid sleep 1000 &"}}) {
            CAPTURE(work[0]);
            Pipeline pipeline;
            pipeline.start(work);
            CHECK(pipeline.enqueue_all(numbers(1, 3)) == 3);
            CHECK(pipeline.await_record("processed id=3"));
            kill_launcher(pipeline);
            CHECK(await([&] { return processes_marked(pipeline.name()).empty(); }, 10s));
        }
    }

    TEST_CASE("orphan: what work has hidden from a death of all is ended by the next start") {
        Pipeline pipeline;
        const auto hidden = pipeline.directory() / "hidden";
        pipeline.start({"--exec", "setsid sh -c 'echo $$ >" + hidden.string() +
                                      "; exec sleep 1000' & [ $DRAINPIPE_ATTEMPT -gt 1 ] || wait"});
        CHECK(pipeline.enqueue_all(numbers(1, 1)) == 1);
        CHECK(await([&] { return !read_text(hidden).empty(); }));
        const auto pid = static_cast<pid_t>(std::stoi(read_text(hidden)));
        // The producer too: the last stage that sees the launcher gone would end it.
        freeze(pipeline.launcher().pid());
        for (const char* const role : {"consumer", "producer"}) {
            const pid_t stage = pipeline.stage(role).value();
            freeze(stage);
            ::kill(stage, SIGKILL);
        }
        kill_launcher(pipeline);
        CHECK(is_running(pid));
        pipeline.start();
        CHECK(!is_running(pid));
        CHECK(pipeline.stop() == 0);
        CHECK(await([&] { return processes_marked(pipeline.name()).empty(); }));
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("orphan: what a dead consumer's work has hidden is ended by the last stage") {
        Pipeline pipeline;
        const auto holder = pipeline.directory() / "holder";
        pipeline.start({"--consumers", "2", "--exec",
                        "setsid sleep 1000 & echo $PPID >" + holder.string() +
                            "; [ $DRAINPIPE_ATTEMPT -gt 1 ] || wait"});
        CHECK(pipeline.enqueue_all(numbers(1, 1)) == 1);
        CHECK(await([&] { return !read_text(holder).empty(); }));
        freeze(pipeline.launcher().pid());
        const auto consumer = static_cast<pid_t>(std::stoi(read_text(holder)));
        ::kill(consumer, SIGKILL);
        // Until the last thread of the dead one is gone its place is held.
        CHECK(await([&] {
            const auto status = read_text("/proc/" + std::to_string(consumer) + "/status");
            return contains(status, "State:\tZ") && contains(status, "Threads:\t1\n");
        }));
        kill_launcher(pipeline);
        CHECK(await([&] { return processes_marked(pipeline.name()).empty(); }, 10s));
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("orphan: a start that can't wait until an orphan has drained is turned away") {
        Pipeline pipeline;
        pipeline.start({"--event-delay", "5ms"});
        CHECK(pipeline.enqueue_all(numbers(1, 500)) == 500);
        const auto consumer = pipeline.stage("consumer");
        REQUIRE(consumer.has_value());
        kill_launcher(pipeline);
        const auto second = run(pipeline.launcher_command({"--grace", "1ms"}));
        CHECK(second.code == 75);
        CHECK(contains(second.errors, std::to_string(*consumer)));
        CHECK(await([&] { return processes_marked(pipeline.name()).empty(); }, 10s));
        CHECK(pipeline.output() == numbers(1, 500));
        CHECK(pipeline.log().fault() == "");
    }

    TEST_CASE("orphan: whoever is turned away is told of each process that still drains") {
        Pipeline pipeline;
        pipeline.start({"--event-delay", "5ms", "--consumers", "3", "--max-demand", "10"});
        CHECK(pipeline.enqueue_all(numbers(1, 1500)) == 1500);
        std::string pids;
        for (unsigned number = 1; number <= 3; ++number) {
            pids += "," + std::to_string(pipeline.consumer(number).value());
        }
        const auto producer = pipeline.stage("producer").value();
        kill_launcher(pipeline);
        CHECK(await([&] { return !is_running(producer); }));
        const auto second = run(pipeline.launcher_command({"--grace", "1ms"}));
        INFO("standard error: ", second.errors);
        CHECK(second.code == 75);
        const auto lines = lines_of(second.errors);
        REQUIRE(lines.size() == 2);
        CHECK(lines[0].starts_with("launcher: waiting for pids " + pids.substr(1) + ", which "));
        CHECK(lines[1].starts_with("launcher: no longer waiting for pids " + pids.substr(1)));
        CHECK(await([&] { return processes_marked(pipeline.name()).empty(); }, 10s));
        CHECK(lines_of(pipeline.output()).size() == 1500);
    }

    TEST_CASE("orphan: a start while an orphan drains takes over, and both do each event once") {
        Pipeline pipeline;
        pipeline.start({"--event-delay", "5ms", "--grace", "1s", "--max-demand", "10"});
        CHECK(pipeline.enqueue_all(numbers(1, 500)) == 500);
        kill_launcher(pipeline);
        const auto orphans_output = pipeline.directory() / "launcher-output.1";
        pipeline.start();
        CHECK(pipeline.stop() == 0);
        const auto output = read_text(orphans_output) + pipeline.output();
        CHECK(fault_of_all_done(pipeline.whole_log(), output, 500) == "");
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("orphan: a start that waits for an orphan can be stopped") {
        Pipeline pipeline;
        pipeline.start({"--event-delay", "5ms"});
        CHECK(pipeline.enqueue_all(numbers(1, 1000)) == 1000);
        kill_launcher(pipeline);
        auto& second = pipeline.launch();
        const auto is_waiting = [&] { return second.has_ended() || !pipeline.errors().empty(); };
        CHECK(await(is_waiting));
        const Stopwatch watch;
        const int code = pipeline.stop();
        CHECK((code == 0 || code == 75));
        CHECK(watch.elapsed() < kAtOnce);
    }
}

}  // namespace
