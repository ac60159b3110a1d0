// The one command in PATH, and the programs behind it, as they are installed; and what an upgrade
// does to a pipeline that runs: nothing.

#include <doctest/doctest.h>
#include <unistd.h>

#include "harness/audit.hpp"
#include "harness/expect.hpp"
#include "harness/pipeline.hpp"

using namespace harness;
using namespace std::chrono_literals;

namespace {

// bin/drainpipe and libexec/drainpipe/..., in a directory of their own.
class Installed {
  public:
    Installed() {
        std::filesystem::create_directories(stages());
        std::filesystem::create_directory(directory_.path() / "bin");
        copy_programs(stages());
        std::filesystem::copy_file(program("drainpipe"), front());
    }

    std::filesystem::path front() const { return directory_.path() / "bin/drainpipe"; }
    std::filesystem::path stages() const { return directory_.path() / "libexec/drainpipe"; }

    // The same, asked for by the front's command.
    Command command(const std::string& name, Command command) const {
        command.words[0] = front();
        command.words.insert(command.words.begin() + 1, name);
        return command;
    }

    // Another version, which can't do what the running one needs: as an upgrade puts it there.
    void upgrade() const {
        for (const char* name : {"launcher", "producer", "consumer", "enqueue"}) {
            const std::filesystem::path other = stages() / (std::string(name) + ".new");
            write_script(other, "#!/bin/sh\nexit 70\n");
            std::filesystem::rename(other, stages() / name);
        }
    }

  private:
    const TemporaryDirectory directory_{"dp-installed"};
};

std::string name_of_process(pid_t pid) {
    return read_text("/proc/" + std::to_string(pid) + "/comm");
}

TEST_SUITE("installed") {
    TEST_CASE("installed: drainpipe run, enqueue, status and stop are the pipeline's four lines") {
        const Installed installed;
        Pipeline pipeline(installed.stages());
        pipeline.start(installed.command("run", pipeline.launcher_command()));
        const auto ask = [&](const std::string& name, const Flags& arguments) {
            return run(installed.command(name, pipeline.command("launcher", arguments)));
        };
        CHECK(ask("enqueue", {"1000"}).output == "accepted=1000\n");
        CHECK(contains(ask("status", {}).output, "1000"));
        CHECK(ask("scale", {"2"}).code == 0);
        CHECK(ask("reload", {}).code == 0);
        CHECK(ask("stop", {"--wait"}).code == 0);
        CHECK(pipeline.launcher().wait() == 0);
        CHECK(fault_of_all_done(pipeline.whole_log(), pipeline.output(), 1000) == "");
        CHECK(ask("status", {}).code == 69);
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("installed: drainpipe becomes the program: signals and exit codes are its own") {
        const Installed installed;
        Pipeline pipeline(installed.stages());
        auto command = pipeline.launcher_command({"--exec", "exit 3", "--retries", "0"});
        pipeline.start(installed.command("run", command));
        CHECK(contains(pipeline.log().first("ready "),
                       "launcher=" + std::to_string(pipeline.launcher().pid())));
        CHECK(pipeline.enqueue_all("a\n") == 1);
        CHECK(pipeline.stop() == 65);
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("installed: from the build directory drainpipe takes the programs beside it") {
        const auto outcome = run({.words = {program("drainpipe"), "run", "--help"}});
        CHECK(outcome.code == 0);
        CHECK(contains(outcome.output, "Usage: drainpipe run"));
        CHECK(contains(run({.words = {program("drainpipe"), "scale", "--help"}}).output,
                       "Usage: drainpipe scale"));
        CHECK(contains(run({.words = {program("drainpipe"), "help", "enqueue"}}).output,
                       "Usage: drainpipe enqueue"));
    }

    TEST_CASE("installed: drainpipe's help names every command, and a wrong one is refused") {
        const auto help = run({.words = {program("drainpipe"), "--help"}});
        CHECK(help.code == 0);
        CHECK(help.errors == "");
        for (const char* name : {"run", "enqueue", "status", "top", "stop", "reload", "scale",
                                 "dead", "report", "config"}) {
            CHECK(contains(help.output, std::string("\n  ") + name + " "));
        }
        CHECK(contains(run({.words = {program("drainpipe"), "--version"}}).output, "drainpipe "));
        const auto refuse = [](const Flags& arguments, std::string_view word) {
            Command command{.words = {program("drainpipe")}};
            command.words.insert(command.words.end(), arguments.begin(), arguments.end());
            const auto outcome = run(command);
            CAPTURE(outcome.errors);
            CHECK(outcome.code == 64);
            CHECK(outcome.output == "");
            CHECK(is_one_line(outcome.errors));
            CHECK(contains(outcome.errors, word));
        };
        refuse({}, "a command is missing");
        refuse({"strat"}, "'strat' is no command");
        refuse({"--name", "x", "status"}, "'--name' stands before the command");
        refuse({"help", "strat"}, "'strat' is no command");
        refuse({"ru\x1bn"}, "'ru\\x1bn'");
    }

    TEST_CASE("installed: a program that is missing is said, and where it should lie") {
        const Installed installed;
        std::filesystem::remove(installed.stages() / "launcher");
        const auto outcome = run({.words = {installed.front(), "status"}});
        CHECK(outcome.code == 69);
        CHECK(contains(outcome.errors, (installed.stages() / "launcher").string()));
    }

    TEST_CASE("installed: what the shell has closed stays closed for the program") {
        const Installed installed;
        const Pipeline pipeline(installed.stages());
        const auto outcome =
            run(after("exec \"$@\" >&-",
                      installed.command("run", pipeline.launcher_command({"--from", "-"}))));
        CHECK(outcome.code == 74);
        CHECK(contains(outcome.errors, "standard output is closed"));
    }

    TEST_CASE("installed: a pipeline that runs goes on with its own files over an upgrade") {
        const Installed installed;
        Pipeline pipeline(installed.stages());
        pipeline.start({"--event-delay", "100us", "--max-demand", "100"});
        Process client = pipeline.enqueue_text(numbers(1, 3000));
        CHECK(pipeline.await_output(100));
        installed.upgrade();
        for (const char* role : {"consumer", "producer"}) {
            const auto dead = pipeline.stage(role);
            REQUIRE(dead.has_value());
            ::kill(*dead, SIGKILL);
            CHECK(await([&] { return pipeline.stage(role).value_or(*dead) != *dead; }, 2s));
            CHECK(await([&] {
                return name_of_process(pipeline.stage(role).value_or(0)) ==
                       std::string(role) + "\n";
            }));
        }
        CHECK(client.wait() != Process::kStillRunning);  // its producer was killed under it
        CHECK(pipeline.stop() == 0);
        const std::uint64_t accepted = pipeline.log().account().value().accepted;
        CHECK(accepted >= 100);
        CHECK(fault_of_all_done(pipeline.whole_log(), pipeline.output(), accepted) == "");
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("installed: a pipeline that runs drains after its files are gone, and scales") {
        const Installed installed;
        Pipeline pipeline(installed.stages());
        pipeline.start({"--event-delay", "100us"});
        CHECK(pipeline.enqueue_all(numbers(1, 3000)) == 3000);
        CHECK(pipeline.scale(2) == 0);
        std::filesystem::remove_all(installed.stages());
        const auto dead = pipeline.consumer(1);
        REQUIRE(dead.has_value());
        ::kill(*dead, SIGKILL);
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.log().account().value().accepted == 3000);
        CHECK(pipeline.leftovers() == "");
    }
}

}  // namespace
