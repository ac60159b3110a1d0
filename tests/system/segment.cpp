// What stands in the segment's or the run-dir's place already: what is not ours stays untouched.

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "harness/audit.hpp"
#include "harness/expect.hpp"
#include "harness/mount.hpp"
#include "harness/pipeline.hpp"

using namespace harness;
using namespace std::chrono_literals;

namespace {

// Refused with 73 or 77 at once, with a line that names the place, and no process is left.
void check_refused(const Pipeline& pipeline, const std::filesystem::path& place,
                   const Flags& flags = {}) {
    const auto outcome = run(pipeline.launcher_command(flags), 5s);
    INFO("standard error: ", outcome.errors);
    CHECK((outcome.code == 73 || outcome.code == 77));
    CHECK(outcome.elapsed < kAtOnce);
    CHECK(is_one_line(outcome.errors));
    CHECK(contains(outcome.errors, place.string()));
    CHECK_FALSE(std::filesystem::exists(pipeline.socket()));
    CHECK_FALSE(std::filesystem::exists(pipeline.lock()));
}

// Bytes that are no segment of ours: refused and still the same bytes, --discard or not.
void check_bytes_refused(const std::string& bytes) {
    const Pipeline pipeline;
    write_text(pipeline.segment(), bytes);
    check_refused(pipeline, pipeline.segment());
    CHECK((read_text(pipeline.segment()) == bytes));
    check_refused(pipeline, pipeline.segment(), {"--discard"});
    CHECK((read_text(pipeline.segment()) == bytes));
}

// A half-made segment of our own is taken over.
void check_taken_over(const std::string& bytes) {
    Pipeline pipeline;
    write_text(pipeline.segment(), bytes);
    std::filesystem::permissions(pipeline.segment(), std::filesystem::perms{0600});
    pipeline.start();
    CHECK(pipeline.enqueue_all(numbers(1, 100)) == 100);
    CHECK(pipeline.stop() == 0);
    CHECK(fault_of_run(pipeline.log(), pipeline.output()) == "");
    CHECK(pipeline.leftovers() == "");
}

std::string garbage(std::size_t size) {
    std::string bytes(size, '\0');
    std::uint32_t state = 4711;
    for (auto& byte : bytes)
        byte = static_cast<char>((state = state * 1664525u + 1013904223u) >> 24 | 1);
    return bytes;
}

// Cuts a run off in the middle of its work, so that its segment holds events.
void leave_events_behind(Pipeline& pipeline) {
    pipeline.start({"--event-delay", "10ms"});
    CHECK(pipeline.enqueue_all(numbers(1, 200)) == 200);
    CHECK(pipeline.stop(SIGQUIT) == 124);
}

// Where the segment says how many events were accepted, nonsense.
void overwrite_tail(const std::filesystem::path& segment) {
    constexpr std::streamoff kTailOffset = 128;
    std::fstream file(segment, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(kTailOffset);
    file.write("nonsense", 8);
    REQUIRE(file.flush().good());
}

TEST_SUITE("segment") {
    TEST_CASE("segment: garbage in its place is refused and untouched") {
        for (const unsigned size : {1u, 7u, 8u, 100u, 4096u, 65536u, 4u * 1024 * 1024}) {
            CAPTURE(size);
            check_bytes_refused(garbage(size));
        }
        check_bytes_refused("somebody's text, not a segment\n");
        check_bytes_refused(std::string(1 << 20, '\xff'));
    }

    TEST_CASE("segment: a segment of ours that was cut is refused and untouched") {
        Pipeline pipeline;
        leave_events_behind(pipeline);
        const auto half = std::filesystem::file_size(pipeline.segment()) / 2;
        std::filesystem::resize_file(pipeline.segment(), half);
        const auto bytes = read_text(pipeline.segment());
        check_refused(pipeline, pipeline.segment());
        CHECK((read_text(pipeline.segment()) == bytes));
    }

    TEST_CASE("segment: one that is cut while in use is told in words and by 74, no one stays") {
        for (const unsigned events : {0u, 100'000u}) {
            for (const unsigned size : {0u, 5000u, 200'000u}) {
                CAPTURE(events);
                CAPTURE(size);
                Pipeline pipeline;
                pipeline.start({"--consumers", "2", "--event-delay", "1ms"});
                if (events > 0) CHECK(pipeline.enqueue_all(numbers(1, events)) == events);
                std::filesystem::resize_file(pipeline.segment(), size);
                CHECK(pipeline.launcher().wait() == 74);
                CHECK(contains(pipeline.errors(), "launcher: the segment was cut short"));
                CHECK(await([&] { return !pipeline.stage("producer") && !pipeline.consumer(1); }));
                std::filesystem::remove(pipeline.segment());
                pipeline.start();
                CHECK(pipeline.enqueue_all(numbers(1, 10)) == 10);
                CHECK(pipeline.stop() == 0);
                CHECK(pipeline.leftovers() == "");
            }
        }
    }

    TEST_CASE("segment: a damaged one of ours is refused and untouched until it is discarded") {
        Pipeline pipeline;
        leave_events_behind(pipeline);
        overwrite_tail(pipeline.segment());
        const auto bytes = read_text(pipeline.segment());
        const auto outcome = run(pipeline.launcher_command(), 5s);
        INFO("standard error: ", outcome.errors);
        CHECK(outcome.code == 73);
        CHECK(is_one_line(outcome.errors));
        CHECK(contains(outcome.errors, "--discard"));
        CHECK((read_text(pipeline.segment()) == bytes));
        pipeline.start({"--discard"});
        CHECK(value_of(pipeline.log().first("discarded "), "events") == "unknown:");
        CHECK(pipeline.enqueue_all(numbers(1, 10)) == 10);
        CHECK(pipeline.stop() == 0);
        CHECK(fault_of_run(pipeline.log(), pipeline.output()) == "");
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE(
        "segment: a directory, a FIFO or a symbolic link in its place is refused, untouched") {
        const Pipeline pipeline;
        std::filesystem::create_directory(pipeline.segment());
        check_refused(pipeline, pipeline.segment());
        CHECK(std::filesystem::is_directory(pipeline.segment()));
        CHECK(std::filesystem::remove(pipeline.segment()));

        REQUIRE(::mkfifo(pipeline.segment().c_str(), 0600) == 0);
        check_refused(pipeline, pipeline.segment());
        CHECK(std::filesystem::is_fifo(pipeline.segment()));
        CHECK(std::filesystem::remove(pipeline.segment()));

        const auto target = pipeline.directory() / "target";
        write_text(target, "");
        for (const auto& name : {target, pipeline.directory() / "missing"}) {
            std::filesystem::create_symlink(name, pipeline.segment());
            check_refused(pipeline, pipeline.segment());
            CHECK(std::filesystem::is_symlink(pipeline.segment()));
            CHECK(std::filesystem::remove(pipeline.segment()));
        }
        CHECK(std::filesystem::file_size(target) == 0);
        CHECK_FALSE(std::filesystem::exists(pipeline.directory() / "missing"));
    }

    TEST_CASE("segment: another user's is refused and untouched" *
              doctest::skip(::geteuid() != 0)) {
        const std::vector<std::string> contents = {"", std::string(4096, '\0'), garbage(4096)};
        for (const auto& bytes : contents) {
            const Pipeline pipeline;
            write_text(pipeline.segment(), bytes);
            REQUIRE(::chown(pipeline.segment().c_str(), kNobody, kNobody) == 0);
            check_refused(pipeline, pipeline.segment());
            CHECK((read_text(pipeline.segment()) == bytes));
            struct stat status {};
            CHECK(::stat(pipeline.segment().c_str(), &status) == 0);
            CHECK(status.st_uid == kNobody);
        }
    }

    TEST_CASE("segment: another user's events are refused and untouched" *
              doctest::skip(::geteuid() != 0)) {
        Pipeline pipeline;
        leave_events_behind(pipeline);
        REQUIRE(::chown(pipeline.segment().c_str(), kNobody, kNobody) == 0);
        const auto bytes = read_text(pipeline.segment());
        check_refused(pipeline, pipeline.segment());
        CHECK((read_text(pipeline.segment()) == bytes));
    }

    TEST_CASE("segment: one that was only just created when its maker died is taken over") {
        check_taken_over("");
        check_taken_over(std::string(4096, '\0'));
        check_taken_over(std::string(20 * 1024 * 1024, '\0'));
    }

    TEST_CASE("segment: a launcher killed at any moment of its start leaves nothing in the way") {
        Pipeline pipeline;
        for (int round = 0; round < 15; ++round) {
            auto& launcher = pipeline.launch();
            let_pass(std::chrono::milliseconds{round});
            launcher.send(SIGKILL);
            CHECK(launcher.wait() == 128 + SIGKILL);
            const auto is_alone = [&] {
                return !pipeline.stage("producer") && !pipeline.stage("consumer");
            };
            CHECK(await(is_alone, 5s));
        }
        pipeline.start();
        CHECK(pipeline.enqueue_all(numbers(1, 100)) == 100);
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.output() == numbers(1, 100));
        CHECK(pipeline.whole_log().fault() == "");
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("segment: one that does not fit into /dev/shm is refused with the reason") {
        const Pipeline pipeline;
        const auto command = with_tmpfs(pipeline.launcher_command(), "/dev/shm", "8m");
        if (!command) return;
        const auto outcome = run(*command);
        INFO("standard error: ", outcome.errors);
        CHECK(outcome.code == 71);
        CHECK(outcome.elapsed < kAtOnce);
        CHECK(is_one_line(outcome.errors));
        CHECK(contains(outcome.errors, "/dev/shm is too small"));
        const std::string reason = "No space left on device";
        CHECK(outcome.errors.find(reason) == outcome.errors.rfind(reason));
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("segment: the default one fits into the 64 MiB /dev/shm of a container") {
        Pipeline pipeline;
        const auto command = with_tmpfs(pipeline.launcher_command(), "/dev/shm", "64m");
        if (!command) return;
        pipeline.start(*command);
        CHECK(pipeline.enqueue_all(numbers(1, 300'000)) == 300'000);
        CHECK(pipeline.stop() == 0);
        CHECK((pipeline.output() == numbers(1, 300'000)));
    }

    TEST_CASE("segment: a run-dir that another user owns is refused" *
              doctest::skip(::geteuid() != 0)) {
        const Pipeline pipeline;
        std::filesystem::create_directory(pipeline.run_dir());
        REQUIRE(::chown(pipeline.run_dir().c_str(), kNobody, kNobody) == 0);
        check_refused(pipeline, pipeline.run_dir());
        CHECK(pipeline.leftovers() == "");
        CHECK(std::filesystem::is_empty(pipeline.run_dir()));
    }

    TEST_CASE("segment: a file in the place of the run-dir is refused and untouched") {
        const Pipeline pipeline;
        write_text(pipeline.run_dir(), "precious");
        check_refused(pipeline, pipeline.run_dir());
        CHECK(read_text(pipeline.run_dir()) == "precious");
        CHECK(pipeline.leftovers() == "");
    }
}

}  // namespace
