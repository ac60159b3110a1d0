// Stops that do not get through in time, and what the next start makes of what they left.

#include <doctest/doctest.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "harness/audit.hpp"
#include "harness/expect.hpp"
#include "harness/pipeline.hpp"
#include "harness/process_table.hpp"
#include "harness/terminal.hpp"

using namespace harness;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kEvents = 500;

// A pipeline with five seconds of work before it.
void start_with_backlog(Pipeline& pipeline, const std::string& grace, const Flags& more = {}) {
    Flags flags = {"--event-delay", "10ms", "--grace", grace, "--max-demand", "10"};
    flags.insert(flags.end(), more.begin(), more.end());
    pipeline.start(flags);
    CHECK(pipeline.enqueue_all(numbers(1, kEvents)) == kEvents);
    CHECK(pipeline.await_output(5));
}

// After a run that was cut short: the account adds up, something is left and is still there.
std::uint64_t check_cut(const Pipeline& pipeline) {
    const auto log = pipeline.log();
    CHECK(fault_of_cut_run(log, pipeline.output()) == "");
    const auto account = log.account();
    REQUIRE(account.has_value());
    CHECK(account->accepted == kEvents);
    CHECK(account->left > 0);
    CHECK(std::filesystem::exists(pipeline.segment()));
    CHECK(std::filesystem::file_size(pipeline.segment()) > 0);
    return account->left;
}

// The next start delivers what was left, then what is new, and ends clean.
void check_next_start(Pipeline& pipeline, std::uint64_t left) {
    const auto first_output = pipeline.output();
    pipeline.start();
    CHECK(pipeline.enqueue_all(numbers(kEvents + 1, kEvents + 10)) == 10);
    CHECK(pipeline.stop() == 0);
    const auto log = pipeline.log();
    CHECK(number_of(log.first("recovered "), "events") == left);
    const auto events = log.events();
    REQUIRE(events.size() == left + 10);
    CHECK(events.front().id == kEvents - left + 1);
    CHECK(pipeline.output() == numbers(kEvents - left + 1, kEvents + 10));
    const auto account = log.account();
    REQUIRE(account.has_value());
    CHECK(account->accepted == left + 10);
    CHECK(account->processed + account->emptied + account->drained == left + 10);
    CHECK(account->left == 0);

    const auto whole_log = pipeline.whole_log();
    const auto all_output = first_output + pipeline.output();
    CHECK(whole_log.fault() == "");
    CHECK(fault_of_redelivery(whole_log.events(), 1, kEvents + 10) == "");
    CHECK(fault_of_repeats(whole_log.events(), all_output, 1, kEvents + 10) == "");
    CHECK(pipeline.leftovers() == "");
}

TEST_SUITE("deadline") {
    TEST_CASE("deadline: what it cuts off is kept, and the next start delivers it first") {
        Pipeline pipeline;
        start_with_backlog(pipeline, "1s");
        const Stopwatch watch;
        CHECK(pipeline.stop() == 124);
        CHECK(watch.elapsed() >= 900ms);
        CHECK(watch.elapsed() < 1s + kAtOnce);
        const auto left = check_cut(pipeline);
        CHECK(contains(pipeline.errors(), std::to_string(left)));
        check_next_start(pipeline, left);
    }

    TEST_CASE("deadline: of what is delivered again only what was in flight is marked") {
        Pipeline pipeline;
        start_with_backlog(pipeline, "1s");
        CHECK(pipeline.stop() == 124);
        pipeline.start();
        CHECK(pipeline.await_record("processed id=500"));
        CHECK(pipeline.stop() == 0);
        const auto log = pipeline.log();
        const auto marked = count_marked(log.events());
        CHECK(marked <= 10);
        CHECK(log.account().value().redelivered == marked);
    }

    TEST_CASE("deadline: nothing is begun shortly before it, so that nothing is repeated") {
        for (const Flags& way :
             std::vector<Flags>{{},
                                {"--consumers", "2"},
                                {"--partition-by", "1"},
                                {"--consumers", "2", "--dispatch", "broadcast"}}) {
            CAPTURE(way.size());
            Pipeline pipeline;
            start_with_backlog(pipeline, "700ms", way);
            CHECK(pipeline.stop() == 124);
            CHECK(pipeline.log().account().value().left > 0);
            pipeline.start(way);
            CHECK(pipeline.await_record("processed id=500"));
            CHECK(pipeline.stop() == 0);
            CHECK(count_marked(pipeline.log().events()) == 0);
            CHECK(pipeline.log().account().value().redelivered == 0);
            CHECK(pipeline.leftovers() == "");
        }
    }

    TEST_CASE("deadline: the segment keeps its identity over a recovery, a new one has its own") {
        Pipeline pipeline;
        const auto run_of = [&] {
            const auto log = pipeline.log();
            return std::string(value_of(log.first("ready "), "run").value_or(""));
        };
        start_with_backlog(pipeline, "300ms");
        const auto first = run_of();
        CHECK(pipeline.stop() == 124);
        pipeline.start();
        CHECK(run_of() == first);
        CHECK(pipeline.stop() == 0);
        pipeline.start();
        CHECK(run_of() != first);
        CHECK(pipeline.stop() == 0);
    }

    TEST_CASE("deadline: repeated SIGTERM is one sequence and does not move it") {
        Pipeline pipeline;
        start_with_backlog(pipeline, "1s");
        const Stopwatch watch;
        pipeline.launcher().send(SIGTERM);
        const auto has_ended = [&] {
            pipeline.launcher().send(SIGTERM);
            return pipeline.launcher().has_ended();
        };
        CHECK(await(has_ended));
        CHECK(pipeline.launcher().wait() == 124);
        CHECK(watch.elapsed() >= 900ms);
        CHECK(watch.elapsed() < 1s + kAtOnce);
        CHECK(pipeline.log().starting("stopping ").size() == 1);
        check_cut(pipeline);
    }

    TEST_CASE("deadline: repeated SIGTERM does not disturb a drain that gets through") {
        Pipeline pipeline;
        pipeline.start({"--event-delay", "1ms"});
        CHECK(pipeline.enqueue_all(numbers(1, 300)) == 300);
        pipeline.launcher().send(SIGTERM);
        const auto has_ended = [&] {
            pipeline.launcher().send(SIGTERM);
            return pipeline.launcher().has_ended();
        };
        CHECK(await(has_ended));
        CHECK(pipeline.launcher().wait() == 0);
        CHECK(fault_of_run(pipeline.log(), pipeline.output()) == "");
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("deadline: a second SIGINT cuts the drain short") {
        Pipeline pipeline;
        start_with_backlog(pipeline, "60s");
        pipeline.launcher().send(SIGINT);
        CHECK(pipeline.await_record("stopping reason=SIGINT"));
        let_pass(500ms);
        const Stopwatch watch;
        CHECK(pipeline.stop(SIGINT) == 124);
        CHECK(watch.elapsed() < kAtOnce);
        check_next_start(pipeline, check_cut(pipeline));
    }

    TEST_CASE("deadline: SIGINTs of one Ctrl-C that comes over a wrapper too do not cut it short") {
        Pipeline pipeline;
        pipeline.start({"--event-delay", "1ms"});
        CHECK(pipeline.enqueue_all(numbers(1, 1000)) == 1000);
        for (int count = 0; count < 3; ++count) pipeline.launcher().send(SIGINT);
        CHECK(pipeline.launcher().wait() == 0);
        CHECK(fault_of_run(pipeline.log(), pipeline.output()) == "");
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("deadline: SIGQUIT skips the drain") {
        Pipeline pipeline;
        start_with_backlog(pipeline, "60s");
        const Stopwatch watch;
        CHECK(pipeline.stop(SIGQUIT) == 124);
        CHECK(watch.elapsed() < kAtOnce);
        check_cut(pipeline);
        pipeline.start();
        CHECK(pipeline.stop() == 0);
        CHECK(fault_of_redelivery(pipeline.whole_log().events(), 1, kEvents) == "");
    }

    TEST_CASE("deadline: SIGQUIT in the middle of a drain skips the rest of it") {
        Pipeline pipeline;
        start_with_backlog(pipeline, "60s");
        pipeline.launcher().send(SIGTERM);
        CHECK(pipeline.await_record("drained id="));
        const Stopwatch watch;
        CHECK(pipeline.stop(SIGQUIT) == 124);
        CHECK(watch.elapsed() < kAtOnce);
        check_next_start(pipeline, check_cut(pipeline));
    }

    TEST_CASE("deadline: SIGQUIT with nothing left is a clean end") {
        Pipeline pipeline;
        pipeline.start();
        CHECK(pipeline.enqueue_all(numbers(1, 10)) == 10);
        CHECK(pipeline.await_record("processed id=10"));
        CHECK(pipeline.await_output(10));
        CHECK(pipeline.stop(SIGQUIT) == 0);
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("deadline: a consumer that is stopped again and again does not move it") {
        Pipeline pipeline;
        start_with_backlog(pipeline, "1s");
        const auto consumer = pipeline.stage("consumer");
        REQUIRE(consumer.has_value());
        const Stopwatch watch;
        pipeline.launcher().send(SIGTERM);
        const auto has_ended = [&] {
            ::kill(*consumer, SIGSTOP);
            return pipeline.launcher().has_ended();
        };
        CHECK(await(has_ended));
        CHECK(pipeline.launcher().wait() == 124);
        CHECK(watch.elapsed() < 1s + kAtOnce);
        check_next_start(pipeline, check_cut(pipeline));
    }

    TEST_CASE("deadline: stages that are stopped when the stop comes are continued and drain") {
        for (const std::string role : {"producer", "consumer"}) {
            CAPTURE(role);
            Pipeline pipeline;
            pipeline.start({"--event-delay", "100us", "--grace", "60s"});
            CHECK(pipeline.enqueue_all(numbers(1, 300)) == 300);
            freeze(pipeline.stage(role).value());
            CHECK(pipeline.stop() == 0);
            CHECK(pipeline.log().starting(role + " pid=").empty());  // "... killing it"
            CHECK(fault_of_run(pipeline.log(), pipeline.output()) == "");
            CHECK(pipeline.leftovers() == "");
        }
    }

    TEST_CASE("deadline: a stopped producer does not keep the consumer from draining") {
        Pipeline pipeline;
        pipeline.start({"--event-delay", "2ms", "--grace", "6s"});
        CHECK(pipeline.enqueue_all(numbers(1, 300)) == 300);
        const auto producer = pipeline.stage("producer");
        REQUIRE(producer.has_value());
        freeze(*producer);
        CHECK(pipeline.stop() == 0);
        CHECK(fault_of_run(pipeline.log(), pipeline.output()) == "");
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("deadline: a child that SIGKILL does not end is named and left behind") {
        Pipeline pipeline;
        start_with_backlog(pipeline, "500ms");
        const auto consumer = pipeline.stage("consumer").value();
        // What a debugger holds is dead and not gone until the debugger looks.
        REQUIRE(::ptrace(PTRACE_SEIZE, consumer, nullptr, nullptr) == 0);
        CHECK(pipeline.stop() == 124);
        CHECK(
            pipeline.log()
                .starting("left behind role=consumer pid=" + std::to_string(consumer) + " state=Z")
                .size() == 1);
        CHECK(contains(pipeline.errors(), "left behind role=consumer"));
        check_cut(pipeline);
        CHECK(::waitpid(consumer, nullptr, __WALL) == consumer);
        pipeline.start();
        CHECK(pipeline.stop() == 0);
        CHECK(fault_of_redelivery(pipeline.whole_log().events(), 1, kEvents) == "");
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("deadline: a launcher that is frozen beyond it and continued gives the account") {
        Pipeline pipeline;
        pipeline.start({"--grace", "2s", "--event-delay", "200ms"});
        CHECK(pipeline.enqueue_all(numbers(1, 3)) == 3);
        auto& launcher = pipeline.launcher();
        launcher.send(SIGTERM);
        CHECK(pipeline.await_record("terminating "));
        freeze(launcher.pid());
        CHECK(pipeline.await_record("drained all"));
        let_pass(6s);  // the deadline, and what the watchdog waits after it, and more
        launcher.send(SIGCONT);
        CHECK(launcher.wait() == 0);
        CHECK(fault_of_run(pipeline.log(), pipeline.output()) == "");
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("deadline: a log that takes nothing does not keep the launcher beyond it") {
        for (const bool is_held_before : {false, true}) {
            CAPTURE(is_held_before);
            Pipeline pipeline;
            Terminal terminal;  // that nobody reads: a write to it waits for ever
            std::filesystem::create_directory(pipeline.log_dir());
            std::filesystem::create_symlink(terminal.path(), pipeline.log_file());
            pipeline.launch({"--grace", "500ms"});
            CHECK(await([&] { return contains(pipeline.errors(), "ready "); }));
            CHECK(pipeline.enqueue_all(numbers(1, 20'000)) == 20'000);
            const auto producer = pipeline.stage("producer").value();
            if (is_held_before) ::kill(producer, SIGKILL);
            pipeline.launcher().send(SIGTERM);
            CHECK(pipeline.launcher().wait() == 124);
            CHECK(contains(pipeline.errors(), "held up beyond the deadline"));
            CHECK(
                await([&] { return !pipeline.stage("producer") && !pipeline.stage("consumer"); }));
            std::filesystem::remove(pipeline.log_file());
            pipeline.start();
            CHECK(pipeline.stop() == 0);
            CHECK(pipeline.leftovers() == "");
        }
    }

    TEST_CASE("deadline: it cuts off every consumer, and the next start does what they all left") {
        Pipeline pipeline;
        start_with_backlog(pipeline, "1s", {"--consumers", "3", "--event-delay", "20ms"});
        CHECK(pipeline.stop() == 124);
        const auto first = pipeline.log();
        // Shortly before the deadline they begin no other event: nobody has to be killed.
        CHECK(first.starting("child exited role=consumer").size() == 3);
        CHECK(first.starting("consumer.1 pid=").empty());
        const auto account = first.account().value();
        CHECK(account.accepted ==
              account.processed + account.emptied + account.drained + account.left);
        CHECK(account.left > 0);
        const auto first_output = pipeline.output();
        pipeline.start({"--consumers", "3"});
        CHECK(pipeline.stop() == 0);
        CHECK(number_of(pipeline.log().first("recovered "), "events") == account.left);
        CHECK(pipeline.log().account().value().left == 0);
        const auto events = pipeline.whole_log().events();
        CHECK(count_marked(events) == 0);
        CHECK(fault_of_repeats(events, first_output + pipeline.output(), 1, kEvents) == "");
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("deadline: --discard throws away what was left and says how much") {
        Pipeline pipeline;
        start_with_backlog(pipeline, "100ms");
        CHECK(pipeline.stop() == 124);
        const auto left = check_cut(pipeline);
        pipeline.start({"--discard"});
        CHECK(pipeline.enqueue_all("new\n") == 1);
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.output() == "new\n");
        const auto log = pipeline.log();
        const auto is_told = [&](const Record& record) {
            return contains(record.message, "discard") &&
                   number_of(record.message, "events") == left;
        };
        CHECK(std::ranges::count_if(log.records(), is_told) == 1);
        CHECK(log.starting("recovered ").empty());
        CHECK(fault_of_run(log, pipeline.output()) == "");
    }
}

}  // namespace
