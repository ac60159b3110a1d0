// What a launcher may inherit: signals ignored or blocked, descriptors closed or open, a terminal
// that hangs up, a reader that leaves, a limit on file sizes, a process namespace of its own.

#include <doctest/doctest.h>
#include <unistd.h>

#include "harness/audit.hpp"
#include "harness/expect.hpp"
#include "harness/mount.hpp"
#include "harness/pipeline.hpp"
#include "harness/process_table.hpp"
#include "harness/terminal.hpp"

using namespace harness;

namespace {

Command behind(const std::vector<std::string>& words, Command command) {
    command.words.insert(command.words.begin(), words.begin(), words.end());
    return command;
}

void check_does_all(Pipeline& pipeline) {
    CHECK(pipeline.enqueue_all(numbers(1, 100)) == 100);
    CHECK(pipeline.stop() == 0);
    CHECK(pipeline.log().account().value().accepted == 100);
    CHECK(pipeline.leftovers() == "");
}

TEST_SUITE("surroundings") {
    TEST_CASE("surroundings: inherited ignored and blocked signals change nothing") {
        for (const std::string how : {"--ignore-signal", "--block-signal"}) {
            CAPTURE(how);
            Pipeline pipeline;
            pipeline.start(behind({"/usr/bin/env", how}, pipeline.launcher_command()));
            const auto consumer = pipeline.stage("consumer").value();
            ::kill(consumer, SIGKILL);
            CHECK(pipeline.await_record(
                "child exited role=consumer pid=" + std::to_string(consumer) + " signal=SIGKILL"));
            check_does_all(pipeline);
        }
    }

    TEST_CASE("surroundings: closed standard descriptors are nobody else's") {
        for (const std::string closed : {"<&-", "2>&-", "<&- 2>&-"}) {
            CAPTURE(closed);
            Pipeline pipeline;
            pipeline.start(after("exec \"$@\" " + closed, pipeline.launcher_command()));
            check_does_all(pipeline);
        }
    }

    TEST_CASE("surroundings: a start whose payloads can go nowhere is refused") {
        const Pipeline pipeline;
        const auto outcome = run(after("exec \"$@\" >&-", pipeline.launcher_command()));
        CHECK(outcome.code == 74);
        CHECK(is_one_line(outcome.errors));
        CHECK(contains(outcome.errors, "standard output is closed"));
        CHECK(pipeline.leftovers() == "");
        CHECK_FALSE(std::filesystem::exists(pipeline.log_dir()));
    }

    TEST_CASE("surroundings: open descriptors are not passed on to the stages") {
        Pipeline pipeline;
        pipeline.start(after("exec 3</dev/zero 4</dev/zero 9</dev/zero; exec \"$@\"",
                             pipeline.launcher_command()));
        for (const auto role : {"producer", "consumer"}) {
            const auto directory = "/proc/" + std::to_string(pipeline.stage(role).value()) + "/fd";
            for (const auto& descriptor : std::filesystem::directory_iterator(directory)) {
                std::error_code closed_meanwhile;
                CHECK(std::filesystem::read_symlink(descriptor, closed_meanwhile) != "/dev/zero");
            }
        }
        check_does_all(pipeline);
    }

    TEST_CASE("surroundings: a terminal that hangs up does not stop the work") {
        Terminal terminal;
        Pipeline pipeline;
        const auto at_terminal =
            "exec \"$@\" <'" + terminal.path().string() + "' 2>'" + terminal.path().string() + "'";
        pipeline.start(
            behind({"/usr/bin/setsid", "--ctty", "/bin/sh", "-c", at_terminal, "sh"}, [&] {
                auto command = pipeline.launcher_command();
                command.input = terminal.path();
                return command;
            }()));
        terminal.hang_up();
        check_does_all(pipeline);
    }

    TEST_CASE("surroundings: what a reader that leaves has not taken is kept for the next start") {
        Pipeline pipeline;
        const auto taken = pipeline.directory() / "taken";
        const auto gone = pipeline.directory() / "gone";
        const auto line = "exec 3>&1; { \"$@\"; echo $? >&3; } | { head -n 1 >'" + taken.string() +
                          "'; exec <&-; touch '" + gone.string() + "'; }";
        auto& shell = pipeline.launch(after(line, pipeline.launcher_command()));
        REQUIRE(pipeline.await_record("ready "));
        CHECK(pipeline.enqueue_all(numbers(1, 1)) == 1);
        REQUIRE(await([&] { return std::filesystem::exists(gone); }));
        // All are in before the consumer finds that its reader is gone, which closes the intake.
        const pid_t consumer = pipeline.stage("consumer").value();
        REQUIRE(::kill(consumer, SIGSTOP) == 0);
        CHECK(pipeline.enqueue_all(numbers(2, 5000)) == 4999);
        REQUIRE(::kill(consumer, SIGCONT) == 0);
        CHECK(shell.wait() == 0);
        CHECK(pipeline.output() == "74\n");
        CHECK(pipeline.log().starting("child exited role=consumer").size() == 1);
        CHECK(pipeline.log().starting("stopping ").size() == 1);
        CHECK(read_text(taken) == "1\n");
        const auto left = pipeline.log().account().value().left;
        CHECK(left > 0);
        pipeline.start();
        CHECK(pipeline.stop() == 0);
        CHECK(fault_of_redelivery(pipeline.whole_log().events(), 1, 5000) == "");
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("surroundings: a disk that is full under the output is waited for") {
        Pipeline pipeline;
        const auto disk = pipeline.directory() / "disk";
        std::filesystem::create_directory(disk);
        auto inner =
            after("exec \"$@\" >'" + (disk / "output").string() + "'", pipeline.launcher_command());
        const auto command = with_tmpfs(inner, disk, "16k");
        if (!command) return;
        auto& launcher = pipeline.launch(*command);
        REQUIRE(pipeline.await_record("ready "));
        const std::string line(999, 'x');
        for (int count = 0; count < 40; ++count) CHECK(pipeline.enqueue_all(line + "\n") == 1);
        CHECK(pipeline.await_record("cannot write payloads to standard output: No space left"));
        CHECK(contains(pipeline.errors(), "waiting for room"));
        const auto seen =
            "/proc/" + std::to_string(pipeline.stage("consumer").value()) + "/root" + disk.string();
        CHECK(pipeline.log().starting("child exited ").empty());
        CHECK(run({.words = {"/usr/bin/nsenter", "--mount", "--target",
                             std::to_string(pipeline.stage("consumer").value()), "mount", "-o",
                             "remount,size=1M", disk}})
                  .code == 0);
        CHECK(pipeline.await_record("processed id=40 "));
        CHECK(std::filesystem::file_size(seen + "/output") == 40'000);
        launcher.send(SIGTERM);
        CHECK(launcher.wait() == 0);
        CHECK(pipeline.log().account().value().redelivered == 0);
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("surroundings: a disk that is full under the output at the deadline is told by 74") {
        Pipeline pipeline;
        const auto disk = pipeline.directory() / "disk";
        std::filesystem::create_directory(disk);
        auto inner = after("exec \"$@\" >'" + (disk / "output").string() + "'",
                           pipeline.launcher_command({"--grace", "500ms"}));
        const auto command = with_tmpfs(inner, disk, "16k");
        if (!command) return;
        auto& launcher = pipeline.launch(*command);
        REQUIRE(pipeline.await_record("ready "));
        const std::string line(999, 'x');
        for (int count = 0; count < 40; ++count) CHECK(pipeline.enqueue_all(line + "\n") == 1);
        CHECK(pipeline.await_record("cannot write payloads to standard output: No space left"));
        launcher.send(SIGTERM);
        CHECK(launcher.wait() == 74);
        CHECK(pipeline.log().account().value().left > 0);
        pipeline.start();
        CHECK(pipeline.stop() == 0);
        CHECK(fault_of_redelivery(pipeline.whole_log().events(), 1, 40) == "");
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("surroundings: a limit on file sizes costs log lines, not the work") {
        Pipeline pipeline;
        const auto command =
            pipeline.launcher_command({"--capacity", "1000", "--buffer-size", "4K"});
        pipeline.start(after("ulimit -f 800; exec \"$@\"", command));  // 400 KiB
        CHECK(pipeline.enqueue_all(numbers(1, 8000)) == 8000);
        CHECK(pipeline.stop() == 74);
        CHECK(pipeline.output() == numbers(1, 8000));
        CHECK(contains(pipeline.errors(), "log"));
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("surroundings: a segment that the limit on file sizes forbids is refused") {
        const Pipeline pipeline;
        const auto outcome =
            run(after("ulimit -f 128; exec \"$@\"", pipeline.launcher_command()));  // 64 KiB
        INFO("standard error: ", outcome.errors);
        CHECK(outcome.code == 73);
        CHECK(is_one_line(outcome.errors));
        const std::string reason = "File too large";
        CHECK(outcome.errors.find(reason) != std::string::npos);
        CHECK(outcome.errors.find(reason) == outcome.errors.rfind(reason));
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("surroundings: signals that nothing is asked by change nothing") {
        Pipeline pipeline;
        pipeline.start();
        std::vector<int> signals = {SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF,   SIGIO,
                                    SIGPWR,  SIGURG,  SIGPIPE, SIGXFSZ,   SIGXCPU,   SIGWINCH,
                                    SIGTTOU, SIGTTIN, SIGTSTP, SIGCONT,   SIGSTKFLT, SIGCHLD};
        for (int signal = SIGRTMIN; signal <= SIGRTMAX; ++signal) signals.push_back(signal);
        for (const int signal : signals) pipeline.launcher().send(signal);
        for (const std::string role : {"producer", "consumer"}) {
            for (const int signal : signals) {
                if (signal != SIGTSTP && signal != SIGTTIN) {
                    ::kill(pipeline.stage(role).value(), signal);
                }
            }
        }
        CHECK(pipeline.enqueue_all(numbers(1, 100)) == 100);
        CHECK(pipeline.await_output(100));
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.log().starting("child exited ").size() == 2);
        CHECK(fault_of_run(pipeline.log(), pipeline.output()) == "");
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("surroundings: children that it never started are reaped") {
        Pipeline pipeline;
        // The shell starts one that outlives it, and becomes the launcher.
        const auto pid_file = pipeline.directory() / "stray";
        pipeline.start(after("sleep 600 & echo $! >'" + pid_file.string() + "'; exec \"$@\"",
                             pipeline.launcher_command()));
        const auto stray = static_cast<pid_t>(std::stoi(read_text(pid_file)));
        REQUIRE(::kill(stray, SIGKILL) == 0);
        CHECK(await([&] { return ::kill(stray, 0) != 0; }));
        CHECK(pipeline.enqueue_all(numbers(1, 10)) == 10);
        CHECK(pipeline.stop() == 0);
        CHECK(fault_of_run(pipeline.log(), pipeline.output()) == "");
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("surroundings: it may be the first process of its namespace") {
        const std::vector<std::string> words = {
            "/usr/bin/unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child"};
        if (run(behind(words, {.words = {"/bin/true"}})).code != 0) {
            MESSAGE("skipped: may not make a namespace");
            return;
        }
        Pipeline pipeline;
        pipeline.start(behind(words, pipeline.launcher_command()));
        CHECK(pipeline.log().first("ready ").find(" launcher=1 ") != std::string::npos);
        CHECK(pipeline.enqueue_all(numbers(1, 100)) == 100);
        const auto launchers = children_of(pipeline.launcher().pid());
        REQUIRE(launchers.size() == 1);
        ::kill(launchers.front(), SIGTERM);
        CHECK(pipeline.launcher().wait() == 0);
        CHECK(fault_of_run(pipeline.log(), pipeline.output()) == "");
        CHECK(pipeline.leftovers() == "");
    }
}

}  // namespace
