// The client: what it refuses, what it says when nobody is there, and that every payload arrives as
// sent.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "harness/audit.hpp"
#include "harness/expect.hpp"
#include "harness/pipeline.hpp"
#include "harness/process_table.hpp"

using namespace harness;
using namespace std::chrono_literals;

namespace {

// What a producer leaves behind that is killed: a socket file that nobody listens on.
void make_stale_socket(const std::filesystem::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.string().copy(address.sun_path, sizeof address.sun_path - 1);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    ::close(fd);
}

bool is_held(const std::filesystem::path& lock_file) {
    const int fd = ::open(lock_file.c_str(), O_RDWR | O_CLOEXEC);
    struct flock lock {};
    lock.l_type = F_WRLCK;
    const bool is_told = fd >= 0 && ::fcntl(fd, F_GETLK, &lock) == 0;
    if (fd >= 0) ::close(fd);
    return is_told && lock.l_type != F_UNLCK;
}

void check_no_pipeline(const Pipeline& pipeline) {
    for (const auto* argument : {"7000", "-"}) {
        const auto outcome = run(pipeline.command("enqueue", {argument}));
        INFO("standard error: ", outcome.errors);
        CHECK(outcome.code == 69);
        CHECK(outcome.elapsed < kAtOnce);
        CHECK(is_one_line(outcome.errors));
        CHECK(contains(outcome.errors, pipeline.name()));
        CHECK(accepted_by(outcome.output).value_or(0) == 0);
    }
}

// Enqueues the text, stops, and expects these bytes on standard output.
void check_arrives(std::string_view text, std::uint64_t events, std::string_view expected) {
    Pipeline pipeline;
    pipeline.start();
    CHECK(pipeline.enqueue_all(text) == events);
    CHECK(pipeline.stop() == 0);
    CHECK((pipeline.output() == expected));
    CHECK(fault_of_run(pipeline.log(), pipeline.output()) == "");
    CHECK(pipeline.log().account().value().accepted == events);
}

std::string all_bytes_but_newline() {
    std::string text;
    for (int byte = 0; byte < 256; ++byte) {
        if (byte != '\n') text.push_back(static_cast<char>(byte));
    }
    return text;
}

TEST_SUITE("enqueue") {
    TEST_CASE("enqueue: a count that is none is refused and shown") {
        const Pipeline pipeline;
        for (const std::string count :
             {"0", "-1", "abc", "1e3", "1000000000000000000", "+5", " 5", "5 ", "0x10", "1.5",
              "5,0", "00", "--", "99999999999999999999999999", "12a", ""}) {
            const auto outcome = run(pipeline.command("enqueue", {count}), 5s);
            CAPTURE(count);
            INFO("standard error: ", outcome.errors);
            CHECK(outcome.code == 64);
            CHECK(is_one_line(outcome.errors));
            if (count != "--") CHECK(contains(outcome.errors, count));
        }
    }

    TEST_CASE("enqueue: no count or two of them are refused") {
        const Pipeline pipeline;
        for (const Flags& arguments : {Flags{}, Flags{"5", "6"}, Flags{"-", "6"}}) {
            const auto outcome = run(pipeline.command("enqueue", arguments), 5s);
            INFO("standard error: ", outcome.errors);
            CHECK(outcome.code == 64);
            CHECK(is_one_line(outcome.errors));
        }
    }

    TEST_CASE("enqueue: a bad count is refused while a pipeline runs, and nothing gets in") {
        Pipeline pipeline;
        pipeline.start();
        CHECK(run(pipeline.command("enqueue", {"0"})).code == 64);
        CHECK(run(pipeline.command("enqueue", {"1e3"})).code == 64);
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.log().account().value().accepted == 0);
    }

    TEST_CASE("enqueue: without a pipeline it says so within a second, stale files or not") {
        const Pipeline pipeline;
        check_no_pipeline(pipeline);
        std::filesystem::create_directory(pipeline.run_dir());
        std::filesystem::permissions(pipeline.run_dir(), std::filesystem::perms{0700});
        check_no_pipeline(pipeline);
        make_stale_socket(pipeline.socket());
        check_no_pipeline(pipeline);
        write_text(pipeline.lock(), "1\n");
        check_no_pipeline(pipeline);
        CHECK(std::filesystem::remove(pipeline.socket()));
        write_text(pipeline.socket(), "no socket at all");
        check_no_pipeline(pipeline);
    }

    TEST_CASE(
        "enqueue: a start that takes long is waited for, until --timeout where there is one") {
        Pipeline pipeline;
        // The launcher has its lock, and stands still before its intake is open.
        const auto is_caught = [&] {
            pipeline.launch();
            REQUIRE(await([&] { return is_held(pipeline.lock()); }));
            freeze(pipeline.launcher().pid());
            const bool caught = children_of(pipeline.launcher().pid()).empty();
            if (!caught) pipeline.launcher().send(SIGCONT);
            return caught || (pipeline.stop(), false);
        };
        REQUIRE(await(is_caught));
        auto& launcher = pipeline.launcher();
        auto command = pipeline.command("enqueue", {"10", "--timeout", "300ms"});
        const auto late = run(command);
        CHECK(late.code == 75);
        CHECK(late.output == "accepted=0\n");
        CHECK(is_one_line(late.errors));
        CHECK(late.elapsed >= 300ms);
        auto patient = pipeline.enqueue(10);
        auto interrupted = pipeline.enqueue(10);
        let_pass(1s);
        CHECK_FALSE(patient.has_ended());
        interrupted.send(SIGTERM);
        CHECK(interrupted.wait() == 128 + SIGTERM);
        CHECK(interrupted.output() == "accepted=0\n");
        launcher.send(SIGCONT);
        CHECK(patient.wait() == 0);
        CHECK(patient.output() == "accepted=10\n");
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.log().account().value().accepted == 10);
    }

    TEST_CASE("enqueue: a ring that stays full ends it after --timeout, or at the first signal") {
        Pipeline pipeline;
        pipeline.start({"--capacity", "100", "--max-demand", "10"});
        const auto consumer = pipeline.stage("consumer").value();
        freeze_without_lock(pipeline, consumer);
        CHECK(pipeline.enqueue_all(numbers(1, 100)) == 100);
        const auto late = run(pipeline.command("enqueue", {"1000", "--timeout", "200ms"}));
        CHECK(late.code == 75);
        CHECK(late.output == "accepted=0\n");
        CHECK(is_one_line(late.errors));
        auto interrupted = pipeline.enqueue(1000);
        CHECK(interrupted.wait(300ms) == Process::kStillRunning);
        interrupted.send(SIGINT);
        CHECK(interrupted.wait() == 74);  // the count is not exact
        CHECK(contains(interrupted.errors(), "more may follow"));
        ::kill(consumer, SIGCONT);
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("enqueue: a --timeout that is none is refused and shown") {
        const Pipeline pipeline;
        for (const std::string timeout : {"soon", "-1s", "10", ""}) {
            CAPTURE(timeout);
            const auto outcome = run(pipeline.command("enqueue", {"5", "--timeout", timeout}));
            CHECK(outcome.code == 64);
            CHECK(is_one_line(outcome.errors));
            CHECK(contains(outcome.errors, "--timeout"));
        }
    }

    TEST_CASE("enqueue: after a pipeline has stopped there is none") {
        Pipeline pipeline;
        pipeline.start();
        CHECK(pipeline.stop() == 0);
        check_no_pipeline(pipeline);
    }

    TEST_CASE("enqueue: a count enqueues the numbers from 1 to it") {
        Pipeline pipeline;
        pipeline.start();
        auto client = pipeline.enqueue(7000);
        CHECK(client.wait() == 0);
        CHECK(client.output() == "accepted=7000\n");
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.output() == numbers(1, 7000));
        CHECK(fault_of_run(pipeline.log(), pipeline.output()) == "");
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("enqueue: a progress bar and colour are for terminals only") {
        Pipeline pipeline;
        pipeline.start();
        auto client = pipeline.enqueue(100'000);
        CHECK(client.wait() == 0);
        CHECK(client.errors() == "");
        CHECK(pipeline.stop() == 0);
        CHECK_FALSE(contains(pipeline.errors(), "\x1b"));
        CHECK_FALSE(contains(pipeline.errors(), "\r"));
    }

    TEST_CASE("enqueue: a million lines from standard input arrive, each once, in order") {
        Pipeline pipeline;
        pipeline.start({"--grace", "60s"});
        const auto text = numbers(1, 1'000'000);
        auto client = pipeline.enqueue_text(text);
        CHECK(client.wait(60s) == 0);
        CHECK(client.output() == "accepted=1000000\n");
        CHECK(pipeline.stop(SIGTERM, 60s) == 0);
        CHECK((pipeline.output() == text));
        CHECK(fault_of_run(pipeline.log(), pipeline.output()) == "");
    }

    TEST_CASE("enqueue: spaces, quotes, UTF-8 and control characters arrive as they are") {
        const std::string text =
            "  two leading, two trailing  \n'single' \"double\" `back` $HOME\n"
            "Grüße, 世界 🚰\n\ttab and \x1b[31mcolour\x1b[0m\ncarriage\r\n" +
            all_bytes_but_newline() + "\n-\n--help\n accepted=5\n";
        check_arrives(text, 9, text);
    }

    TEST_CASE("enqueue: a missing last newline is added") {
        check_arrives("one\ntwo", 2, "one\ntwo\n");
        check_arrives("x", 1, "x\n");
    }

    TEST_CASE("enqueue: an empty line is an event") {
        check_arrives("\n", 1, "\n");
        check_arrives("\n\na\n\n", 4, "\n\na\n\n");
    }

    TEST_CASE("enqueue: no line at all is no event, and no failure") { check_arrives("", 0, ""); }

    TEST_CASE("enqueue: a line of a mebibyte arrives, with short ones around it") {
        const auto text = "a\n" + std::string(1024 * 1024, 'x') + "\nb\n";
        check_arrives(text, 3, text);
    }

    TEST_CASE("enqueue: payloads of all sizes around the powers of two arrive") {
        std::string text;
        for (std::size_t size = 1; size <= 64 * 1024; size *= 2) {
            for (const auto length : {size - 1, size, size + 1}) {
                text += std::string(length, static_cast<char>('a' + length % 26)) + "\n";
            }
        }
        check_arrives(text, 51, text);
    }

    TEST_CASE("enqueue: a payload larger than the buffer is refused by name, the others go on") {
        Pipeline pipeline;
        pipeline.start({"--buffer-size", "64K"});
        const std::string fits(64 * 1024, 'f');
        const std::string too_large(64 * 1024 + 1, 'x');
        auto client = pipeline.enqueue_text("a\n" + too_large + "\nb\n" + fits + "\nc\n");
        CHECK(client.wait() == 64);
        INFO("standard error: ", client.errors());
        CHECK(client.output() == "accepted=4\n");
        CHECK(contains(client.errors(), "2"));
        CHECK(contains(client.errors(), "65537"));
        CHECK(contains(client.errors(), "65536"));
        CHECK(pipeline.stop() == 0);
        CHECK((pipeline.output() == "a\nb\n" + fits + "\nc\n"));
        CHECK(fault_of_run(pipeline.log(), pipeline.output()) == "");
    }

    TEST_CASE("enqueue: the largest refusal costs no memory, and every refusal is counted") {
        Pipeline pipeline;
        pipeline.start({"--buffer-size", "64K"});
        const std::string huge(32 * 1024 * 1024, 'x');
        auto client = pipeline.enqueue_text(huge + "\na\n" + huge + "\nb\n" + huge);
        CHECK(client.wait() == 64);
        CHECK(client.output() == "accepted=2\n");
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.output() == "a\nb\n");
    }

    TEST_CASE("enqueue: the log shows control characters escaped and long payloads cut") {
        Pipeline pipeline;
        pipeline.start();
        const std::string just_fits(64, 'y');
        const std::string too_long(65, 'z');
        pipeline.enqueue_all("tab\there\na\rb\x01\x1b\x7f\n" + just_fits + "\n" + too_long + "\n");
        CHECK(pipeline.await_output(4));
        CHECK(pipeline.stop() == 0);
        const auto log = pipeline.log();
        const auto events = log.events();
        REQUIRE(events.size() == 4);
        CHECK(events[0].payload == "tab\\there");
        const std::string shown(events[1].payload);
        CHECK((shown == "a\\rb\\x01\\x1b\\x7f" || shown == "a\\rb\\x01\\x1B\\x7F"));
        CHECK(events[2].payload == just_fits);
        CHECK(events[3].payload == std::string(64, 'z') + "...");
    }
}

}  // namespace
