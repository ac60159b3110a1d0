// What a launcher tells the service manager that has started it.

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <string>
#include <utility>
#include <vector>

#include "manager.hpp"
#include "system/harness/audit.hpp"
#include "system/harness/expect.hpp"
#include "system/harness/pipeline.hpp"
#include "system/harness/process_table.hpp"

using namespace harness;
using namespace service;
using namespace std::chrono_literals;

namespace {

std::string notify_path(const Pipeline& pipeline) { return pipeline.directory() / "notify"; }

Command notifying(const Pipeline& pipeline, const NotifyReceiver& manager,
                  const Flags& flags = {}) {
    return told_to_notify(pipeline.launcher_command(flags), manager.name());
}

// With a watchdog that expects this process to say something as often.
Command watched(Command command, std::chrono::microseconds interval) {
    command.environment["WATCHDOG_USEC"] = std::to_string(interval.count());
    return after("export WATCHDOG_PID=$$; exec \"$@\"", std::move(command));
}

std::int64_t monotonic_microseconds() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

// A whole run, whatever the manager does with what it is told.
void check_does_its_work(Pipeline& pipeline, const Command& command) {
    pipeline.start(command);
    CHECK(pipeline.enqueue_all(numbers(1, 1000)) == 1000);
    CHECK(pipeline.stop() == 0);
    CHECK(fault_of_run(pipeline.log(), pipeline.output()) == "");
    CHECK(pipeline.leftovers() == "");
}

TEST_SUITE("notify") {
    TEST_CASE("notify: ready comes with the log's, and a status when something has changed") {
        Pipeline pipeline;
        NotifyReceiver manager(notify_path(pipeline));
        pipeline.launch(notifying(pipeline, manager));
        const auto ready = manager.await_message("READY=1");
        CHECK(value_in(ready, "STATUS") == "accepted=0 done=0 dead=0 left=0");
        CHECK(pipeline.log().first("ready ") != "");
        CHECK(manager.messages().front() == ready);
        CHECK(pipeline.enqueue_all(numbers(1, 100)) == 100);
        CHECK(manager.await_message("STATUS=accepted=100 done=100 dead=0 left=0") != "");
        const auto told = manager.messages().size();
        let_pass(2500ms);  // nothing happens, and nothing is told
        CHECK(manager.messages().size() == told);
        CHECK(pipeline.stop() == 0);
        CHECK(manager.count("READY=1") == 1);
        CHECK(manager.count("WATCHDOG") == 0);
    }

    TEST_CASE("notify: a stop asks for its time while it drains, and says what is left") {
        Pipeline pipeline;
        NotifyReceiver manager(notify_path(pipeline));
        pipeline.start(notifying(pipeline, manager,
                                 {"--event-delay", "1ms", "--max-demand", "10", "--grace", "4s"}));
        CHECK(pipeline.enqueue_all(numbers(1, 20'000)) == 20'000);
        CHECK(pipeline.await_output(10));
        CHECK(manager.await_message("STATUS=accepted=20000") != "");
        pipeline.launcher().send(SIGTERM);
        std::vector<std::int64_t> extended;  // to when, as the manager counts it
        std::uint64_t left = 20'000;
        for (int second = 0; second < 3; ++second) {
            const auto stopping = manager.await_message("STOPPING=1");
            REQUIRE(stopping != "");
            CHECK(stopping.starts_with("STOPPING=1\nEXTEND_TIMEOUT_USEC="));
            extended.push_back(monotonic_microseconds() +
                               std::stoll(value_in(stopping, "EXTEND_TIMEOUT_USEC")));
            const auto now_left = number_of(value_in(stopping, "STATUS"), "left").value();
            CHECK(now_left < left);
            left = now_left;
            CHECK(contains(stopping, " time_left="));
        }
        CHECK(pipeline.launcher().wait() == 124);
        // To the deadline and a moment beyond, whenever it is said; a test that comes late to read
        // it takes it for later.
        for (const auto until : extended) CHECK(until > extended.front() - 1'000'000);
        for (const auto& message : manager.messages()) {
            if (const auto asked = value_in(message, "EXTEND_TIMEOUT_USEC"); !asked.empty()) {
                CHECK(std::stoll(asked) > 5'000'000);
                CHECK(std::stoll(asked) <= 9'000'000);
            }
        }
        CHECK(manager.messages().back().starts_with("STATUS=summary accepted=20000 "));
        CHECK(manager.count("READY=1") == 1);
    }

    TEST_CASE("notify: a stop before the pipeline is ready is told, and ready never") {
        Pipeline pipeline;
        NotifyReceiver manager(notify_path(pipeline));
        const auto consumer = pipeline.directory() / "never-ready";
        write_script(consumer, "#!/bin/sh\nexec sleep 60\n");
        pipeline.launch(notifying(pipeline, manager, {"--consumer", consumer}));
        REQUIRE(await([&] { return pipeline.stage("sleep").has_value(); }));
        pipeline.launcher().send(SIGTERM);
        CHECK(manager.await_message("STOPPING=1") != "");
        pipeline.launcher().send(SIGQUIT);
        CHECK(pipeline.launcher().wait() != Process::kStillRunning);
        CHECK(manager.count("READY=1") == 0);
    }

    TEST_CASE("notify: a reload is told with its time, and ready again once the log is open anew") {
        Pipeline pipeline;
        NotifyReceiver manager(notify_path(pipeline));
        pipeline.start(notifying(pipeline, manager));
        CHECK(manager.await_message("READY=1") != "");
        std::filesystem::rename(pipeline.log_file(), pipeline.log_dir() / "info.log.1");
        const auto before = monotonic_microseconds();
        pipeline.launcher().send(SIGHUP);
        const auto reloading = manager.await_message("RELOADING=1");
        const auto told_at = std::stoll(value_in(reloading, "MONOTONIC_USEC"));
        CHECK(told_at >= before);
        CHECK(told_at <= monotonic_microseconds());
        CHECK(manager.await_message("READY=1") == "READY=1");
        CHECK(std::filesystem::exists(pipeline.log_file()));
        CHECK(pipeline.stop() == 0);
    }

    TEST_CASE("notify: the socket may have an abstract name") {
        Pipeline pipeline;
        NotifyReceiver manager("@" + pipeline.name());
        pipeline.start(notifying(pipeline, manager));
        CHECK(manager.await_message("READY=1") != "");
        CHECK(pipeline.stop() == 0);
        CHECK(manager.count("STOPPING=1") >= 1);
    }

    TEST_CASE("notify: a socket that is gone, or none at all, hinders nothing") {
        Pipeline pipeline;
        NotifyReceiver manager(notify_path(pipeline));
        manager.leave();
        for (const std::string& name :
             {manager.name(), std::string(pipeline.directory() / "nothing"), std::string(),
              std::string("@"), std::string("/"), std::string("relative"), std::string("vsock:2:1"),
              "/" + std::string(500, 'x')}) {
            CAPTURE(name);
            Pipeline another;
            check_does_its_work(another,
                                watched(told_to_notify(another.launcher_command(), name), 100ms));
        }
    }

    TEST_CASE("notify: a manager that does not read holds nobody up, and hears of ready later") {
        Pipeline pipeline;
        NotifyReceiver manager(notify_path(pipeline));
        manager.fill();
        pipeline.start(watched(notifying(pipeline, manager), 100ms));
        CHECK(pipeline.enqueue_all(numbers(1, 1000)) == 1000);
        CHECK(pipeline.await_output(1000));
        pipeline.launcher().send(SIGHUP);
        CHECK(manager.await_message("READY=1\nSTATUS=") != "");
        manager.fill();
        CHECK(pipeline.stop() == 0);
        CHECK(fault_of_run(pipeline.log(), pipeline.output()) == "");
    }

    TEST_CASE("notify: a launcher that stands still is not alive, and goes on to be") {
        Pipeline pipeline;
        NotifyReceiver manager(notify_path(pipeline));
        pipeline.start(watched(notifying(pipeline, manager), 300ms));
        for (int ping = 0; ping < 5; ++ping) CHECK(manager.await_message("WATCHDOG=1") != "");
        freeze(pipeline.launcher().pid());
        const auto told = manager.messages().size();
        let_pass(1s);
        CHECK(manager.messages().size() == told);
        pipeline.launcher().send(SIGCONT);
        CHECK(manager.await_message("WATCHDOG=1") != "");
        CHECK(pipeline.stop() == 0);
    }

    TEST_CASE("notify: it is alive more than twice in each interval") {
        Pipeline pipeline;
        NotifyReceiver manager(notify_path(pipeline));
        constexpr auto kInterval = 600ms;
        pipeline.start(watched(notifying(pipeline, manager), kInterval));
        REQUIRE(manager.await_message("WATCHDOG=1") != "");
        const Stopwatch watch;
        constexpr int kPings = 20;
        for (int ping = 0; ping < kPings; ++ping) {
            REQUIRE(manager.await_message("WATCHDOG=1") != "");
        }
        CHECK(watch.elapsed() < kPings * kInterval / 2);
        CHECK(watch.elapsed() > kPings * kInterval / 6);  // and no more often than it is worth
        CHECK(pipeline.stop() == 0);
    }

    TEST_CASE("notify: a watchdog of another process, or of no time, is not for this one") {
        for (const auto& [pid, interval] : std::vector<std::pair<std::string, std::string>>{
                 {"1", "100000"}, {"x", "100000"}, {"", "0"}, {"", "-1"}, {"", "1e6"}, {"", ""}}) {
            CAPTURE(pid);
            CAPTURE(interval);
            Pipeline pipeline;
            NotifyReceiver manager(notify_path(pipeline));
            auto command = notifying(pipeline, manager);
            command.environment["WATCHDOG_PID"] = pid;
            command.environment["WATCHDOG_USEC"] = interval;
            pipeline.start(command);
            CHECK(manager.await_message("READY=1") != "");
            CHECK(pipeline.enqueue_all(numbers(1, 10)) == 10);
            CHECK(manager.await_message("accepted=10 done=10") != "");
            CHECK(pipeline.stop() == 0);
            CHECK(manager.count("WATCHDOG") == 0);
        }
    }

    TEST_CASE("notify: what a service manager says by variables, no other process is told") {
        Pipeline pipeline;
        NotifyReceiver manager(notify_path(pipeline));
        std::filesystem::create_directory(pipeline.run_dir());
        std::filesystem::permissions(pipeline.run_dir(), std::filesystem::perms{0700});
        const PassedSocket socket(pipeline.socket(), SOCK_STREAM, true);
        const auto http = pipeline.directory() / "http";
        auto command =
            notifying(pipeline, manager,
                      {"--exec", "env; ls -l /proc/self/fd", "--http", "unix:" + http.string()});
        pipeline.start(given_socket(watched(std::move(command), 1s), socket.fd()));
        CHECK(pipeline.enqueue_all("one\n") == 1);
        CHECK(pipeline.await_output(5));
        REQUIRE(await([&] { return children_of(pipeline.launcher().pid()).size() == 3; }));
        std::string seen;
        for (const auto pid : children_of(pipeline.launcher().pid())) {
            seen += read_text("/proc/" + std::to_string(pid) + "/environ");
        }
        CHECK(contains(seen, "SYSTEM_TEST_PIPELINE="));
        CHECK(pipeline.stop() == 0);
        seen += pipeline.output();
        CHECK(contains(seen, "DRAINPIPE_ID="));
        for (const auto* variable : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS",
                                     "LISTEN_PID", "LISTEN_FDNAMES"}) {
            CAPTURE(variable);
            CHECK_FALSE(contains(seen, std::string(variable) + "="));
        }
        CHECK_FALSE(contains(pipeline.output(), "socket:"));
    }
}

}  // namespace
