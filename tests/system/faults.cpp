// A system that gives too little: descriptors, permissions, room for the output, a segment that
// goes away.

#include <doctest/doctest.h>
#include <unistd.h>

#include "harness/audit.hpp"
#include "harness/client.hpp"
#include "harness/expect.hpp"
#include "harness/pipeline.hpp"
#include "harness/process_table.hpp"

using namespace harness;
using namespace std::chrono_literals;

namespace {

// The same command where its user may not have inotify instances; nothing, and a message, where
// the test may not make it so.
std::optional<Command> with_no_inotify(Command command) {
    const std::vector<std::string> words = {
        "/usr/bin/unshare",
        "--user",
        "--map-root-user",
        "/bin/sh",
        "-c",
        "echo 0 > /proc/sys/user/max_inotify_instances && exec \"$@\"",
        "sh"};
    auto trial = words;
    trial.push_back("/bin/true");
    if (run({.words = trial}).code != 0) {
        MESSAGE("skipped: may not make a user namespace");
        return std::nullopt;
    }
    command.words.insert(command.words.begin(), words.begin(), words.end());
    return command;
}

// Somebody who is not root, for tests of permissions, with programs that they can reach.
class Stranger {
  public:
    Stranger() {
        copy_programs(directory_.path());
        REQUIRE(::chown(directory_.path().c_str(), kNobody, kNobody) == 0);
    }
    [[nodiscard]] Command does(Command command, const std::string& program) const {
        command.words[0] = directory_.path() / program;
        command.directory = directory_.path();
        command.user = kNobody;
        return command;
    }
    [[nodiscard]] const std::filesystem::path& home() const { return directory_.path(); }

  private:
    TemporaryDirectory directory_{"dp-stranger"};
};

TEST_SUITE("faults") {
    TEST_CASE("faults: too few descriptors are told with 71 and nothing is left, or they suffice") {
        // The undefined-behaviour sanitizer needs a pipe of its own for every object it looks at.
        if (contains(read_text(program("launcher")), "libubsan")) return;
        for (int count = 5; count <= 24; ++count) {
            CAPTURE(count);
            Pipeline pipeline;
            const auto line = "ulimit -n " + std::to_string(count) + "; exec \"$@\"";
            auto& launcher = pipeline.launch(after(line, pipeline.launcher_command()));
            const auto is_decided = [&] {
                return launcher.has_ended() || contains(pipeline.errors(), "ready ");
            };
            CHECK(await(is_decided));
            INFO("standard error: ", pipeline.errors());
            if (launcher.has_ended()) {
                CHECK(launcher.wait() == 71);
                CHECK(contains(pipeline.errors(), "Too many open files"));
            } else {
                CHECK(pipeline.stop() == 0);
            }
            CHECK(await([&] { return pipeline.leftovers().empty(); }, 1s));
            CHECK(pipeline.leftovers() == "");
        }
    }

    TEST_CASE("faults: more clients than the producer has descriptors wait their turn") {
        Pipeline pipeline;
        pipeline.start(after("ulimit -n 40; exec \"$@\"", pipeline.launcher_command()));
        std::vector<std::unique_ptr<SocketClient>> clients;
        std::vector<Client> expected;
        for (int number = 0; number < 100; ++number) {
            expected.push_back({"c" + std::to_string(number) + "-", 10});
            clients.push_back(std::make_unique<SocketClient>(pipeline.socket()));
            clients.back()->send(numbers(1, 10, expected.back().prefix));
            clients.back()->finish_sending();
        }
        for (auto& client : clients) {
            const auto answers = client->answers();
            REQUIRE_FALSE(answers.empty());
            CHECK(answers.back() == "closed accepted=10 reason=end");
        }
        CHECK(pipeline.stop() == 0);
        CHECK(fault_of_clients(expected, pipeline.output()) == "");
    }

    TEST_CASE("faults: clients that there are no descriptors for hear of a stop all the same") {
        Pipeline pipeline;
        pipeline.start(after("ulimit -n 40; exec \"$@\"", pipeline.launcher_command()));
        std::vector<std::unique_ptr<SocketClient>> clients;
        for (int number = 0; number < 100; ++number) {
            clients.push_back(std::make_unique<SocketClient>(pipeline.socket()));
        }
        CHECK(pipeline.stop() == 0);
        for (auto& client : clients) {
            const auto answers = client->answers();
            REQUIRE_FALSE(answers.empty());
            CHECK(answers.back() == "closed accepted=0 reason=shutdown");
        }
    }

    TEST_CASE("faults: a segment that vanishes is noticed without the kernel's notifications too") {
        Pipeline pipeline;
        const auto command = with_no_inotify(pipeline.launcher_command());
        if (!command) return;
        pipeline.start(*command);
        CHECK(std::filesystem::remove(pipeline.segment()));
        CHECK(pipeline.launcher().wait(5s) == 74);
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE(
        "faults: a segment that vanishes ends the run by itself with 74, its events are done") {
        Pipeline pipeline;
        pipeline.start({"--event-delay", "1ms"});
        CHECK(pipeline.enqueue_all(numbers(1, 100)) == 100);
        CHECK(std::filesystem::remove(pipeline.segment()));
        CHECK(pipeline.launcher().wait(5s) == 74);
        CHECK(pipeline.output() == numbers(1, 100));
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE(
        "faults: run directory, lock or socket that are removed are made again, nothing is lost") {
        for (const std::string what : {"socket", "lock", "run directory"}) {
            for (const std::string consumers : {"1", "3"}) {
                CAPTURE(what);
                CAPTURE(consumers);
                Pipeline pipeline;
                pipeline.start({"--consumers", consumers, "--event-delay", "100us"});
                CHECK(pipeline.enqueue_all(numbers(1, 2000)) == 2000);
                const auto producer = pipeline.stage("producer");
                if (what == "run directory") {
                    std::filesystem::remove_all(pipeline.run_dir());
                } else {
                    std::filesystem::remove(what == "lock" ? pipeline.lock() : pipeline.socket());
                }
                // The producer takes its role and its socket in what was made again.
                CHECK(await([&] {
                    const auto successor = pipeline.stage("producer");
                    return successor && successor != producer &&
                           std::filesystem::exists(pipeline.lock()) &&
                           std::filesystem::exists(pipeline.socket()) &&
                           contains(read_text(pipeline.log_file()), "was removed while in use");
                }));
                CHECK(contains(pipeline.errors(), "was removed while in use"));
                CHECK(pipeline.enqueue_all(numbers(2001, 3000)) == 1000);
                REQUIRE(await([&] { return pipeline.consumer(1).has_value(); }));
                ::kill(pipeline.consumer(1).value(), SIGKILL);
                const auto second = run(pipeline.launcher_command());
                CHECK(second.code == 75);
                CHECK(std::filesystem::exists(pipeline.socket()));
                CHECK(pipeline.enqueue_all(numbers(3001, 3100)) == 100);
                CHECK(pipeline.stop() == 0);
                CHECK(fault_of_shared_run(pipeline.log(), pipeline.output()) == "");
                CHECK(pipeline.log().account().value().accepted == 3100);
                CHECK(pipeline.leftovers() == "");
            }
        }
    }

    TEST_CASE(
        "faults: a command socket that can't be made again stops nothing, and is tried again") {
        Pipeline pipeline;
        pipeline.start();
        freeze(pipeline.launcher().pid());
        std::filesystem::remove(pipeline.control());
        std::filesystem::create_directory(pipeline.control());
        pipeline.launcher().send(SIGCONT);
        CHECK(pipeline.await_record("the command socket was removed and can't be made again yet"));
        CHECK(pipeline.enqueue_all(numbers(1, 100)) == 100);
        CHECK(pipeline.scale(2) == 69);
        std::filesystem::remove(pipeline.control());
        CHECK(pipeline.await_record("the command socket is there again"));
        CHECK(pipeline.scale(2) == 0);
        CHECK(pipeline.stop() == 0);
        CHECK(fault_of_shared_run(pipeline.log(), pipeline.output()) == "");
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE(
        "faults: a lock that is gone lets no other launcher in, and one refused removes nothing") {
        Pipeline pipeline;
        pipeline.start();
        freeze(pipeline.launcher().pid());
        std::filesystem::remove(pipeline.lock());
        const auto second = run(pipeline.launcher_command());
        CHECK(second.code == 75);
        CHECK(std::filesystem::exists(pipeline.socket()));
        CHECK_FALSE(std::filesystem::exists(pipeline.lock()));
        pipeline.launcher().send(SIGCONT);
        CHECK(await([&] { return std::filesystem::exists(pipeline.lock()); }));
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("faults: a lock that can't be made again ends in an ordered stop and 74") {
        Pipeline pipeline;
        pipeline.start();
        CHECK(pipeline.enqueue_all(numbers(1, 100)) == 100);
        freeze(pipeline.launcher().pid());
        std::filesystem::remove(pipeline.lock());
        std::filesystem::create_directory(pipeline.lock());
        pipeline.launcher().send(SIGCONT);
        CHECK(pipeline.launcher().wait() == 74);
        CHECK(fault_of_run(pipeline.log(), pipeline.output()) == "");
        std::filesystem::remove(pipeline.lock());
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("faults: a consumer that holds a removed lock and hangs is ended, then replaced") {
        Pipeline pipeline;
        pipeline.start({"--consumers", "2", "--grace", "300ms"});
        const auto hung = pipeline.consumer(2).value();
        freeze_without_lock(pipeline, hung);
        std::filesystem::remove(pipeline.lock());
        CHECK(await([&] { return pipeline.consumer(2).value_or(hung) != hung; }));
        CHECK(pipeline.enqueue_all(numbers(1, 100)) == 100);
        CHECK(pipeline.await_output(100));
        CHECK(pipeline.stop() == 0);
        CHECK(fault_of_shared_run(pipeline.log(), pipeline.output()) == "");
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("faults: an output that takes nothing loses nothing") {
        Pipeline pipeline;
        pipeline.start(after("exec \"$@\" > /dev/full", pipeline.launcher_command()));
        CHECK(pipeline.enqueue_all(numbers(1, 10)) == 10);
        CHECK(pipeline.stop() > 0);
        CHECK(pipeline.log().account().value().left == 10);
        pipeline.start();
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.output() == numbers(1, 10));
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("faults: a stranger may not enqueue" * doctest::skip(::geteuid() != 0)) {
        Pipeline pipeline;
        pipeline.start();
        const Stranger stranger;
        const auto outcome = run(stranger.does(pipeline.command("enqueue", {"5"}), "enqueue"));
        INFO("standard error: ", outcome.errors);
        CHECK(outcome.code == 77);
        CHECK(is_one_line(outcome.errors));
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.log().account().value().accepted == 0);
    }

    TEST_CASE("faults: a stranger may not touch a segment" * doctest::skip(::geteuid() != 0)) {
        Pipeline pipeline;
        pipeline.start({"--event-delay", "10ms"});
        CHECK(pipeline.enqueue_all(numbers(1, 100)) == 100);
        CHECK(pipeline.stop(SIGQUIT) == 124);
        const auto bytes = read_text(pipeline.segment());
        const Stranger stranger;
        auto command = stranger.does(pipeline.launcher_command(), "launcher");
        command.words[4] = stranger.home() / "run";
        command.words[6] = stranger.home() / "log";
        const auto outcome = run(command);
        INFO("standard error: ", outcome.errors);
        CHECK((outcome.code == 73 || outcome.code == 77));
        CHECK(is_one_line(outcome.errors));
        CHECK((read_text(pipeline.segment()) == bytes));
    }

    TEST_CASE("faults: no permission for the run-dir is told" * doctest::skip(::geteuid() != 0)) {
        const Pipeline pipeline;
        const Stranger stranger;
        const auto command = stranger.does(pipeline.launcher_command(), "launcher");
        const auto outcome = run(command);
        INFO("standard error: ", outcome.errors);
        CHECK(outcome.code == 77);
        CHECK(is_one_line(outcome.errors));
        CHECK(contains(outcome.errors, pipeline.directory().string()));
        CHECK(pipeline.leftovers() == "");
    }
}

}  // namespace
