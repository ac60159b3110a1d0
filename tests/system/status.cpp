// How a pipeline is looked at, stopped and reloaded by command.

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>
#include <vector>

#include "gauge.hpp"
#include "harness/audit.hpp"
#include "harness/client.hpp"
#include "harness/expect.hpp"
#include "harness/pipeline.hpp"
#include "harness/process_table.hpp"
#include "harness/random.hpp"
#include "harness/terminal.hpp"

using namespace harness;
using namespace std::chrono_literals;

namespace {

using Json = nlohmann::json;

// What `status --json` says; fails the test where it does not answer with one object on one line.
Json status_of(const Pipeline& pipeline) {
    const auto outcome = run(pipeline.command("launcher", {"status", "--json"}));
    INFO("standard error: ", outcome.errors);
    REQUIRE(outcome.code == 0);
    REQUIRE(is_one_line(outcome.output));
    return Json::parse(outcome.output);
}

std::uint64_t number(const Json& json, const char* key) {
    return json.at(key).get<std::uint64_t>();
}

void check_adds_up(const Json& status) {
    CAPTURE(status.dump());
    CHECK(number(status, "accepted") == number(status, "processed") + number(status, "emptied") +
                                            number(status, "drained") + number(status, "dead") +
                                            number(status, "left"));
    CHECK(number(status, "left") == number(status, "in_flight") + number(status, "buffered"));
    std::uint64_t in_flight = 0;
    std::uint64_t demand = 0;
    for (const Json& consumer : status.at("consumers")) {
        in_flight += number(consumer, "in_flight");
        demand += number(consumer, "demand");
    }
    CHECK(in_flight == number(status, "in_flight"));
    CHECK(demand == number(status, "demand"));
}

bool has_state(const Pipeline& pipeline, const std::string& state) {
    return status_of(pipeline).at("consumers").at(0).at("state") == state;
}

Command stop_and_wait(const Pipeline& pipeline) {
    return pipeline.command("launcher", {"stop", "--wait"});
}

TEST_SUITE("status") {
    TEST_CASE("status: it says in JSON what runs, what is done and what is left") {
        Pipeline pipeline;
        pipeline.start({"--consumers", "2", "--event-delay", "1ms", "--max-demand", "100"});
        CHECK(pipeline.enqueue_all(numbers(1, 7000)) == 7000);
        const auto status = status_of(pipeline);
        check_adds_up(status);
        CHECK(status.at("name") == pipeline.name());
        const auto log = pipeline.log();
        CHECK(status.at("run") == value_of(log.starting("ready ").at(0).message, "run").value());
        CHECK(status.at("state") == "running");
        CHECK(number(status, "accepted") == 7000);
        CHECK(number(status, "capacity") == 262144);
        CHECK(number(status, "buffer_bytes") == 16 << 20);
        CHECK(number(status, "buffer_used_bytes") > 0);
        CHECK(status.at("accepted_per_second").get<double>() > 0);
        CHECK_FALSE(status.contains("stop"));
        CHECK(number(status.at("launcher"), "pid") ==
              static_cast<std::uint64_t>(pipeline.launcher().pid()));
        CHECK(number(status.at("producer"), "pid") ==
              static_cast<std::uint64_t>(pipeline.stage("producer").value()));
        CHECK(status.at("producer").at("state") == "running");
        CHECK(status.at("consumers").size() == 2);
        for (unsigned consumer : {1u, 2u}) {
            const Json& one = status.at("consumers").at(consumer - 1);
            CHECK(number(one, "number") == consumer);
            CHECK(number(one, "pid") ==
                  static_cast<std::uint64_t>(pipeline.consumer(consumer).value()));
            CHECK(one.at("state") == "running");
            CHECK(one.at("restarts") == 0);
        }
        CHECK(pipeline.stop(SIGQUIT) == 124);
    }

    TEST_CASE("status: rates and the age of the oldest event follow what happens") {
        Pipeline pipeline;
        pipeline.start({"--event-delay", "10ms", "--max-demand", "10"});
        CHECK(status_of(pipeline).at("oldest_event_seconds") == 0);
        CHECK(pipeline.enqueue_all(numbers(1, 2000)) == 2000);
        const auto begun = std::chrono::steady_clock::now();
        CHECK(await(
            [&] { return status_of(pipeline).at("oldest_event_seconds").get<double>() > 2.5; }));
        const std::chrono::duration<double> waited = std::chrono::steady_clock::now() - begun;
        const auto status = status_of(pipeline);
        CHECK(status.at("oldest_event_seconds").get<double>() < waited.count() + 1.5);
        CHECK(status.at("accepted_per_second") == 0);
        CHECK(status.at("done_per_second").get<double>() > 20);
        CHECK(status.at("done_per_second").get<double>() < 110);
        CHECK(pipeline.stop(SIGQUIT) == 124);
    }

    TEST_CASE("status: it is a screen of text as well") {
        Pipeline pipeline;
        pipeline.start();
        CHECK(pipeline.enqueue_all(numbers(1, 1234)) == 1234);
        CHECK(pipeline.await_record("processed id=1234 "));
        const auto outcome = run(pipeline.command("launcher", {"status"}));
        CHECK(outcome.code == 0);
        CHECK(outcome.errors == "");
        CHECK(contains(outcome.output, pipeline.name() + "  running  up "));
        CHECK(contains(outcome.output, "1,234"));
        CHECK(contains(outcome.output, "consumer"));
        CHECK_FALSE(contains(outcome.output, "\x1b"));
        CHECK(pipeline.stop() == 0);
    }

    TEST_CASE("status: it names a stage that is stopped, and how often one was started again") {
        Pipeline pipeline;
        pipeline.start();
        const auto consumer = pipeline.stage("consumer").value();
        freeze(consumer);
        CHECK(has_state(pipeline, "stopped"));
        ::kill(consumer, SIGCONT);
        CHECK(await([&] { return has_state(pipeline, "running"); }));
        ::kill(consumer, SIGKILL);
        const auto is_back = [&] {
            const auto status = status_of(pipeline).at("consumers").at(0);
            return status.at("restarts") == 1 && status.at("state") == "running" &&
                   status.at("pid") != consumer;
        };
        CHECK(await(is_back));
        CHECK(pipeline.stop() == 0);
    }

    TEST_CASE("status: it answers while the launcher and the holder of the lock are stopped") {
        Pipeline pipeline;
        pipeline.start({"--log-events", "off", "--capacity", "1000"});
        auto client = pipeline.enqueue(50'000'000);
        const auto consumer = pipeline.stage("consumer").value();
        freeze_with_lock(pipeline, consumer);
        freeze(pipeline.launcher().pid());
        std::vector<std::chrono::milliseconds> times;
        for (int time = 0; time < 50; ++time) {
            const auto outcome = run(pipeline.command("launcher", {"status", "--json"}));
            CHECK(outcome.code == 0);
            times.push_back(outcome.elapsed);
            const auto status = Json::parse(outcome.output);
            check_adds_up(status);
            CHECK(status.at("consumers").at(0).at("state") == "stopped");
        }
        std::ranges::sort(times);
        CHECK(times[times.size() / 2] < 100ms);  // the longest: what else the machine did
        ::kill(consumer, SIGCONT);
        pipeline.launcher().send(SIGCONT);
        client.send(SIGTERM);
        CHECK(client.wait() != Process::kStillRunning);
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("status: it adds up in every sample, under load and kills") {
        Random random("status");
        Pipeline pipeline;
        pipeline.start({"--consumers", "3", "--log-events", "off", "--capacity", "2000"});
        std::atomic<bool> is_over = false;
        std::jthread load([&] {
            while (!is_over) {
                auto client = pipeline.enqueue(1'000'000);
                (void)await([&] { return is_over || client.has_ended(); }, 1min);
            }
        });
        std::atomic<unsigned> kills = 0;
        std::jthread killer([&] {
            for (; !is_over; ++kills) {
                let_pass(300ms + random.moment(300ms));
                const auto victim =
                    kills % 4 == 3 ? pipeline.stage("producer") : pipeline.consumer(1 + kills % 3);
                if (victim) ::kill(*victim, SIGKILL);
            }
        });
        const drainpipe::Gauge gauge(pipeline.name());
        std::uint64_t faults = 0;
        std::uint64_t last_accepted = 0;
        for (int sample = 0; sample < 100'000 || kills < 10; ++sample) {
            const auto snapshot = gauge.snapshot();
            const auto& account = snapshot.account;
            std::uint64_t in_flight = 0;
            for (const auto& consumer : snapshot.consumers) in_flight += consumer.in_flight;
            const bool adds_up = account.accepted == account.done() + account.dead + account.left &&
                                 account.left == account.in_flight + account.buffered &&
                                 in_flight == account.in_flight &&
                                 account.accepted >= last_accepted && account.left <= 2000;
            faults += adds_up ? 0 : 1;
            last_accepted = account.accepted;
        }
        is_over = true;
        CHECK(faults == 0);
        CHECK(last_accepted > 0);
        load.join();
        killer.join();
        CHECK(pipeline.stop() == 0);
    }

    TEST_CASE("status: a stop shows its reason, its rate and both ends") {
        Pipeline pipeline;
        pipeline.start({"--event-delay", "1ms"});
        CHECK(pipeline.enqueue_all(numbers(1, 4000)) == 4000);
        pipeline.launcher().send(SIGTERM);
        CHECK(pipeline.await_record("terminating "));
        CHECK(pipeline.await_record("drained id="));
        const auto status = status_of(pipeline);
        check_adds_up(status);
        CHECK(status.at("state") == "draining");
        const Json& stop = status.at("stop");
        CHECK(stop.at("reason") == "SIGTERM");
        CHECK(number(stop, "left") == number(status, "left"));
        CHECK(stop.at("done_per_second").get<double>() > 100);
        CHECK(stop.at("seconds_to_end").get<double>() > 0);
        CHECK(stop.at("seconds_to_deadline").get<double>() > 5);
        CHECK(stop.at("seconds_to_deadline").get<double>() <= 10);
        CHECK(pipeline.launcher().wait() == 0);
    }

    TEST_CASE("status: where none runs it is 69, with what an earlier run left and where") {
        Pipeline pipeline;
        auto outcome = run(pipeline.command("launcher", {"status"}));
        CHECK(outcome.code == 69);
        CHECK(is_one_line(outcome.errors));
        CHECK(contains(outcome.output, "left=0 "));

        pipeline.start({"--event-delay", "1s"});
        CHECK(pipeline.enqueue_all(numbers(1, 50)) == 50);
        CHECK(pipeline.stop(SIGQUIT) == 124);
        const auto left = pipeline.log().account().value().left;
        outcome = run(pipeline.command("launcher", {"status"}));
        CHECK(outcome.code == 69);
        CHECK(contains(outcome.errors, "left " + std::to_string(left) + " events"));
        CHECK(contains(outcome.errors, pipeline.segment().string()));
        outcome = run(pipeline.command("launcher", {"status", "--json"}));
        CHECK(outcome.code == 69);
        CHECK(number(Json::parse(outcome.output), "left") == left);
    }

    TEST_CASE("status: in a broadcast each consumer has in flight what it was given") {
        Pipeline pipeline;
        pipeline.start({"--consumers", "2", "--dispatch", "broadcast", "--max-demand", "100",
                        "--event-delay", "50ms"});
        CHECK(pipeline.enqueue_all(numbers(1, 300)) == 300);
        const auto status = status_of(pipeline);
        const auto all = number(status, "in_flight");
        CHECK(all > 10);
        for (const Json& consumer : status.at("consumers")) {
            CHECK(number(consumer, "in_flight") > 10);
            CHECK(number(consumer, "in_flight") <= all);
        }
        CHECK(pipeline.stop(SIGQUIT) == 124);
    }

    TEST_CASE("status: it counts the commands that run, and the events that wait for a retry") {
        Pipeline pipeline;
        pipeline.start({"--exec", "sleep 30", "--jobs", "3"});
        CHECK(pipeline.enqueue_all(numbers(1, 5)) == 5);
        CHECK(await([&] { return status_of(pipeline).at("consumers").at(0).at("jobs") == 3; }));
        CHECK(pipeline.stop(SIGQUIT) == 124);

        pipeline.start({"--discard", "--exec", "exit 1", "--jobs", "2", "--backoff", "30s",
                        "--max-demand", "100"});
        CHECK(pipeline.enqueue_all(numbers(1, 5)) == 5);
        CHECK(await([&] { return status_of(pipeline).at("retrying") == 5; }));
        const auto status = status_of(pipeline);
        check_adds_up(status);
        CHECK(number(status, "in_flight") == 5);
        CHECK(status.at("consumers").at(0).at("jobs") == 0);
        CHECK(pipeline.stop(SIGQUIT) == 124);
    }

    TEST_CASE("status: another user may not look") {
        if (::geteuid() != 0) {
            MESSAGE("skipped: needs root");
            return;
        }
        Pipeline pipeline;
        pipeline.start();
        std::filesystem::permissions(pipeline.directory(), std::filesystem::perms(0755));
        auto command = pipeline.command("launcher", {"status"});
        command.user = kNobody;
        const auto outcome = run(command);
        CHECK(outcome.code == 77);
        CHECK(outcome.output == "");
        CHECK(is_one_line(outcome.errors));
        CHECK(pipeline.stop() == 0);
    }

    TEST_CASE("top: it needs a terminal, shows the same there, and q leaves") {
        Pipeline pipeline;
        CHECK(run(pipeline.command("launcher", {"top"})).code == 64);
        pipeline.start();
        Terminal terminal;
        auto command = pipeline.command("launcher", {"top"});
        command.input = terminal.path();
        command.output = terminal.path();
        command.errors = pipeline.directory() / "top.errors";
        Process top(command);
        CHECK(await([&] { return contains(terminal.shown(), pipeline.name() + "  running"); }));
        CHECK(pipeline.enqueue_all(numbers(1, 4321)) == 4321);
        CHECK(await([&] { return contains(terminal.shown(), "4,321"); }));
        terminal.type("q");
        CHECK(await([&] {
            (void)terminal.shown();
            return top.has_ended();
        }));
        CHECK(top.wait() == 0);
        CHECK(contains(terminal.shown(), "\x1b[?1049l"));
        CHECK(pipeline.stop() == 0);
    }

    TEST_CASE("stop: it has the pipeline drain, waits where asked, and has its exit code") {
        Pipeline pipeline;
        pipeline.start({"--event-delay", "200us"});
        CHECK(pipeline.enqueue_all(numbers(1, 3000)) == 3000);
        const auto outcome = run(stop_and_wait(pipeline));
        CHECK(outcome.code == 0);
        CHECK(outcome.errors == "");
        CHECK(pipeline.launcher().wait() == 0);
        CHECK(pipeline.log().account().value().left == 0);
        CHECK(pipeline.log().starting("stopping reason=SIGTERM ").size() == 1);

        pipeline.start({"--event-delay", "1s", "--grace", "500ms"});
        CHECK(pipeline.enqueue_all(numbers(1, 30)) == 30);
        CHECK(run(stop_and_wait(pipeline)).code == 124);
        CHECK(pipeline.launcher().wait() == 124);

        pipeline.start();
        CHECK(run(pipeline.command("launcher", {"stop"})).code == 0);
        CHECK(pipeline.launcher().wait() == 0);
        CHECK(run(pipeline.command("launcher", {"stop"})).code == 69);
    }

    TEST_CASE(
        "stop: --wait can be left, and the stop goes on; a killed launcher has no exit code") {
        Pipeline pipeline;
        pipeline.start({"--event-delay", "1ms"});
        CHECK(pipeline.enqueue_all(numbers(1, 2000)) == 2000);
        Process waiting(stop_and_wait(pipeline));
        CHECK(pipeline.await_record("terminating "));
        waiting.send(SIGINT);
        CHECK(waiting.wait() == 128 + SIGINT);
        CHECK(pipeline.launcher().wait() == 0);

        pipeline.start({"--event-delay", "1s"});
        CHECK(pipeline.enqueue_all(numbers(1, 20)) == 20);
        Process other(stop_and_wait(pipeline));
        CHECK(pipeline.await_record("terminating "));
        pipeline.launcher().send(SIGKILL);
        CHECK(other.wait() == 70);
    }

    TEST_CASE("stop: --wait has the exit code of a launcher that has lost its segment") {
        Pipeline pipeline;
        pipeline.start({"--event-delay", "10ms"});
        CHECK(pipeline.enqueue_all(numbers(1, 200)) == 200);
        std::filesystem::remove(pipeline.segment());
        CHECK(pipeline.await_record("the segment was removed"));
        const auto status = run(pipeline.command("launcher", {"status", "--json"}));
        CHECK(status.code == 69);
        CHECK(Json::parse(status.output).at("state") == "no run");
        CHECK(run(stop_and_wait(pipeline)).code == 74);
        CHECK(pipeline.launcher().wait() == 74);
    }

    TEST_CASE("reload: the log goes on in a new file") {
        Pipeline pipeline;
        CHECK(run(pipeline.command("launcher", {"reload"})).code == 69);
        pipeline.start();
        std::filesystem::rename(pipeline.log_file(), pipeline.log_dir() / "old.log");
        CHECK(run(pipeline.command("launcher", {"reload"})).code == 0);
        CHECK(await([&] { return std::filesystem::exists(pipeline.log_file()); }));
        CHECK(pipeline.enqueue_all(numbers(1, 10)) == 10);
        CHECK(await([&] { return contains(read_text(pipeline.log_file()), "processed id=10"); }));
        CHECK(pipeline.stop() == 0);
    }

    TEST_CASE("config: every option, its value and where it came from") {
        const Pipeline pipeline;
        const auto file = pipeline.directory() / "drainpipe.conf";
        write_text(file, "# ours\ngrace = 3s\nconsumers = 4\nmax-demand = 10\n");
        auto command =
            pipeline.launcher_command({"config", "--config", file.string(), "--consumers", "2"});
        command.environment["DRAINPIPE_MAX_DEMAND"] = "77";
        const auto outcome = run(command);
        INFO(outcome.errors);
        CHECK(outcome.code == 0);
        const auto line = [&](const std::string& flag) {
            for (const auto& each : lines_of(outcome.output)) {
                if (each.starts_with(flag + " ")) return std::string(each);
            }
            return std::string("none");
        };
        CHECK(contains(line("grace"), "= 3s "));
        CHECK(line("grace").ends_with("# " + file.string() + ":2: grace"));
        CHECK(contains(line("consumers"), "= 2 "));
        CHECK(line("consumers").ends_with("# --consumers"));
        CHECK(contains(line("max-demand"), "= 77 "));
        CHECK(line("max-demand").ends_with("# DRAINPIPE_MAX_DEMAND"));
        CHECK(contains(line("min-demand"), "= 38 "));
        CHECK(line("min-demand").ends_with("# default"));
        CHECK(contains(line("discard"), "= false "));
        CHECK_FALSE(std::filesystem::exists(pipeline.run_dir()));
        const auto refused = run(pipeline.launcher_command({"config", "--grace", "no"}));
        CHECK(refused.code == 64);
        CHECK(refused.output == "");
    }

    TEST_CASE("commands: one that waits for its input ends by a signal as any program does") {
        const Pipeline pipeline;
        const auto fifo = (pipeline.directory() / "log").string();
        REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
        Process report({.words = {program("launcher"), "report", fifo}});
        CHECK(await([&] { return program_of(report.pid()) == "launcher"; }));
        let_pass(50ms);
        report.send(SIGTERM);
        CHECK(report.wait() == 128 + SIGTERM);
    }

    TEST_CASE("commands: each takes its own flags and words, and no other ones") {
        const Pipeline pipeline;
        const std::vector<Flags> refused = {{"status", "--consumers", "2"},
                                            {"--exec", "x", "status"},
                                            {"status", "more"},
                                            {"stop", "--json"},
                                            {"reload", "--wait"},
                                            {"status", "stop"},
                                            {"top", "--json"},
                                            {"--json"}};
        for (const auto& flags : refused) {
            CAPTURE(flags.front() + " " + flags.back());
            const auto outcome = run(pipeline.command("launcher", flags));
            CHECK(outcome.code == 64);
            CHECK(outcome.output == "");
            CHECK(is_one_line(outcome.errors));
        }
        for (const std::string name :
             {"status", "top", "stop", "reload", "scale", "dead", "config"}) {
            CAPTURE(name);
            const auto outcome = run({.words = {program("launcher"), name, "--help"}});
            CHECK(outcome.code == 0);
            CHECK(contains(outcome.output, "launcher " + name));
        }
    }
}

}  // namespace
