// Children that are missing, broken or deaf, and pipelines that are already there.

#include <doctest/doctest.h>

#include <array>

#include "harness/audit.hpp"
#include "harness/expect.hpp"
#include "harness/pipeline.hpp"
#include "harness/process_table.hpp"

using namespace harness;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view kExitsAtOnce = "#!/bin/sh\nexit 3\n";
constexpr std::string_view kNeverReady = "#!/bin/sh\nwhile :; do sleep 0.2; done\n";
constexpr std::string_view kDeaf = "#!/bin/sh\ntrap '' TERM INT\nwhile :; do sleep 0.2; done\n";

// A directory with the real programs, in which a test replaces what it wants broken.
struct BrokenPrograms {
    BrokenPrograms() { copy_programs(directory.path()); }
    [[nodiscard]] std::filesystem::path path(std::string_view name) const {
        return directory.path() / name;
    }
    void replace(std::string_view name, std::string_view script) const {
        std::filesystem::remove(path(name));
        write_script(path(name), script);
    }
    const TemporaryDirectory directory{"dp-programs"};
};

// The launcher gives up by itself with this code, names the culprit, and leaves nothing.
void check_gives_up(const BrokenPrograms& programs, std::string_view role, int code) {
    CAPTURE(role);
    Pipeline pipeline(programs.directory.path());
    CHECK(pipeline.launch({"--grace", "1s"}).wait(15s) == code);
    INFO("standard error: ", pipeline.errors());
    CHECK(contains(pipeline.errors(), role));
    CHECK(await([&] { return pipeline.leftovers().empty(); }));
    CHECK(pipeline.leftovers() == "");
}

TEST_SUITE("children") {
    TEST_CASE("children: a missing one is told and nothing is started") {
        for (const std::string role : {"producer", "consumer"}) {
            const BrokenPrograms programs;
            std::filesystem::remove(programs.path(role));
            check_gives_up(programs, role, 69);
        }
    }

    TEST_CASE("children: one that is not executable is told and nothing is started") {
        for (const std::string role : {"producer", "consumer"}) {
            const BrokenPrograms programs;
            std::filesystem::permissions(programs.path(role), std::filesystem::perms{0644});
            check_gives_up(programs, role, 69);
            std::filesystem::remove(programs.path(role));
            std::filesystem::create_directory(programs.path(role));
            check_gives_up(programs, role, 69);
        }
    }

    TEST_CASE("children: one that exits at once ends the start") {
        for (const std::string role : {"producer", "consumer"}) {
            const BrokenPrograms programs;
            programs.replace(role, kExitsAtOnce);
            check_gives_up(programs, role, 70);
        }
    }

    TEST_CASE("children: one that never reports ready ends the start within 15 s") {
        const BrokenPrograms programs;
        programs.replace("consumer", kNeverReady);
        Pipeline pipeline(programs.directory.path());
        const int code = pipeline.launch({"--grace", "1s"}).wait(15s);
        CHECK(code > 0);
        CHECK(code < 128);
        CHECK(contains(pipeline.errors(), "consumer"));
        CHECK(await([&] { return pipeline.leftovers().empty(); }));
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("children: one that never is ready brings no consumer count back that was lowered") {
        const BrokenPrograms programs;
        std::filesystem::create_directory(programs.path("real"));
        std::filesystem::rename(programs.path("consumer"), programs.path("real/consumer"));
        write_script(programs.path("consumer"),
                     "#!/bin/sh\ncase \"$*\" in *--number=3*) while :; do sleep 0.2; done ;; esac\n"
                     "exec '" +
                         programs.path("real/consumer").string() + "' \"$@\"\n");
        Pipeline pipeline(programs.directory.path());
        pipeline.start();
        CHECK(pipeline.scale(3) == 0);
        CHECK(pipeline.scale(1) == 0);
        CHECK(pipeline.await_record("consumer.3 pid="));  // "... is to leave and did not report"
        CHECK(await([&] { return !pipeline.consumer(2) && !pipeline.consumer(3); }));
        CHECK(pipeline.enqueue_all(numbers(1, 100)) == 100);
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.log().starting("scale ").size() == 2);
        CHECK(fault_of_run(pipeline.log(), pipeline.output()) == "");
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("children: a stop during a start that hangs keeps its deadline") {
        const BrokenPrograms programs;
        programs.replace("producer", kDeaf);
        Pipeline pipeline(programs.directory.path());
        pipeline.launch({"--grace", "1s"});
        CHECK(await([&] { return pipeline.stage("producer").has_value(); }));
        const Stopwatch watch;
        CHECK(pipeline.stop() == 0);
        CHECK(watch.elapsed() < kAtOnce);
        CHECK(await([&] { return pipeline.leftovers().empty(); }));
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("children: they carry the pipeline's name and have groups of their own") {
        Pipeline pipeline;
        pipeline.start();
        for (const std::string role : {"producer", "consumer"}) {
            const auto pid = pipeline.stage(role);
            REQUIRE(pid.has_value());
            const auto words = read_text("/proc/" + std::to_string(*pid) + "/cmdline");
            CHECK(contains(words, pipeline.name()));
            CHECK(contains(words, pipeline.run_dir().string()));
            CHECK(::getpgid(*pid) == *pid);
        }
        CHECK(pipeline.stop() == 0);
    }

    // Several at once: the moments at which each stands still differ.
    TEST_CASE("children: a container that is frozen in the middle of starts goes on, and again") {
        std::array<Pipeline, 8> pipelines;
        for (Pipeline& pipeline : pipelines) pipeline.launch();
        for (Pipeline& pipeline : pipelines) {
            const pid_t launcher = pipeline.launcher().pid();
            REQUIRE(await([&] { return !children_of(launcher).empty(); }));
            freeze(launcher);
            for (const pid_t child : children_of(launcher)) ::kill(child, SIGSTOP);
        }
        let_pass(6s);  // longer than a child may take to be ready
        for (Pipeline& pipeline : pipelines) pipeline.launcher().send(SIGCONT);
        let_pass(100ms);
        for (Pipeline& pipeline : pipelines) {
            for (const pid_t child : children_of(pipeline.launcher().pid())) {
                ::kill(child, SIGCONT);
            }
        }
        for (Pipeline& pipeline : pipelines) {
            CHECK(await([&] { return contains(pipeline.errors(), "ready "); }));
            CHECK(pipeline.enqueue_all(numbers(1, 100)) == 100);
            CHECK(pipeline.stop() == 0);
            CHECK(pipeline.log().starting("child exited ").size() == 2);
            CHECK(fault_of_run(pipeline.log(), pipeline.output()) == "");
            CHECK(pipeline.leftovers() == "");
        }
    }

    TEST_CASE("children: one that was started by hand and took the place first is kept") {
        for (const std::string role : {"producer", "consumer"}) {
            CAPTURE(role);
            Pipeline pipeline;
            pipeline.start();
            const auto first = pipeline.stage(role);
            REQUIRE(first.has_value());
            freeze(pipeline.launcher().pid());
            ::kill(*first, SIGKILL);
            const auto status = "/proc/" + std::to_string(*first) + "/status";
            // Dead to the last thread: until then its place is held.
            const auto is_dead = [&] {
                const auto text = read_text(status);
                return contains(text, "State:\tZ") && contains(text, "Threads:\t1\n");
            };
            CHECK(await(is_dead));
            auto command = pipeline.command(role);
            command.output = pipeline.directory() / "by-hand";
            Process by_hand(command);
            CHECK(await([&] { return pipeline.stage(role).value_or(*first) == by_hand.pid(); }));
            CHECK(pipeline.enqueue_all(numbers(1, 100)) == 100);
            pipeline.launcher().send(SIGCONT);
            CHECK(pipeline.await_record("external process took the role role=" + role));
            CHECK(pipeline.enqueue_all(numbers(101, 200)) == 100);
            CHECK(pipeline.stop() == 0);
            CHECK(by_hand.wait() == 0);
            CHECK(fault_of_run(pipeline.log(), pipeline.output() + by_hand.output()) == "");
            CHECK(pipeline.leftovers() == "");
        }
    }

    TEST_CASE("children: a second launcher of the same name is turned away with the first's pid") {
        Pipeline pipeline;
        pipeline.start();
        const auto second = run(pipeline.launcher_command());
        CHECK(second.code == 75);
        CHECK(is_one_line(second.errors));
        CHECK(contains(second.errors, std::to_string(pipeline.launcher().pid())));
        CHECK(second.elapsed < kAtOnce);
        CHECK(pipeline.enqueue_all(numbers(1, 100)) == 100);
        CHECK(pipeline.stop() == 0);
        CHECK(fault_of_run(pipeline.log(), pipeline.output()) == "");
    }

    TEST_CASE("children: --discard does not take a running pipeline's events away") {
        Pipeline pipeline;
        pipeline.start({"--event-delay", "5ms"});
        CHECK(pipeline.enqueue_all(numbers(1, 100)) == 100);
        CHECK(run(pipeline.launcher_command({"--discard"})).code == 75);
        CHECK(pipeline.stop() == 0);
        CHECK(fault_of_run(pipeline.log(), pipeline.output()) == "");
    }

    TEST_CASE("children: of ten launchers at once one runs and nine are turned away") {
        Pipeline pipeline;
        pipeline.launch();
        std::vector<Process> others;
        for (int number = 0; number < 9; ++number) {
            others.emplace_back(pipeline.launcher_command());
        }
        const auto count_turned_away = [&] {
            auto count =
                std::ranges::count_if(others, [](Process& each) { return each.has_ended(); });
            return count + (pipeline.launcher().has_ended() ? 1 : 0);
        };
        CHECK(await([&] { return count_turned_away() == 9; }));
        CHECK(pipeline.await_record("ready "));
        CHECK(pipeline.log().starting("ready ").size() == 1);
        int stopped = 0;
        const auto check_end = [&](Process& each) {
            if (each.has_ended()) {
                CHECK(each.wait() == 75);
            } else {
                each.send(SIGTERM);
                CHECK(each.wait() == 0);
                ++stopped;
            }
        };
        std::ranges::for_each(others, check_end);
        check_end(pipeline.launcher());
        CHECK(stopped == 1);
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("children: pipelines of different names share a run-dir in peace") {
        Pipeline first;
        Pipeline second;
        first.start();
        auto command = second.launcher_command({"--run-dir", first.run_dir()});
        command.words.erase(command.words.begin() + 3, command.words.begin() + 5);
        second.start(command);
        CHECK(first.enqueue_all(numbers(1, 100)) == 100);
        CHECK(first.stop() == 0);
        CHECK(second.launcher().has_ended() == false);
        CHECK(second.stop() == 0);
        CHECK(first.output() == numbers(1, 100));
        CHECK(second.output() == "");
    }

    TEST_CASE("children: stale lock and socket files do not keep a pipeline from starting") {
        Pipeline pipeline;
        std::filesystem::create_directory(pipeline.run_dir());
        std::filesystem::permissions(pipeline.run_dir(), std::filesystem::perms{0700});
        write_text(pipeline.lock(), "1\n");
        write_text(pipeline.socket(), "");
        pipeline.start();
        CHECK(pipeline.enqueue_all(numbers(1, 100)) == 100);
        CHECK(pipeline.stop() == 0);
        CHECK(fault_of_run(pipeline.log(), pipeline.output()) == "");
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("children: a stage started by hand is turned away while its place is taken") {
        Pipeline pipeline;
        pipeline.start();
        for (const auto* role : {"producer", "consumer"}) {
            CAPTURE(role);
            const auto second = run(pipeline.command(role));
            CHECK(second.code == 75);
            CHECK(is_one_line(second.errors));
        }
        CHECK(pipeline.enqueue_all(numbers(1, 100)) == 100);
        CHECK(pipeline.stop() == 0);
        CHECK(fault_of_run(pipeline.log(), pipeline.output()) == "");
    }

    TEST_CASE("children: a stage started by hand says when there is no such pipeline") {
        const Pipeline pipeline;
        for (const auto* role : {"producer", "consumer"}) {
            CAPTURE(role);
            const auto outcome = run(pipeline.command(role));
            CHECK(outcome.code == 69);
            CHECK(is_one_line(outcome.errors));
            CHECK(contains(outcome.errors, pipeline.name()));
        }
        CHECK(pipeline.leftovers() == "");
    }
}

}  // namespace
