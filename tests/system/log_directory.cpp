// Where the log goes, what stands in it, and directories that can't hold one.

#include <doctest/doctest.h>
#include <unistd.h>

#include <map>

#include "harness/audit.hpp"
#include "harness/expect.hpp"
#include "harness/mount.hpp"
#include "harness/pipeline.hpp"

using namespace harness;
using namespace std::chrono_literals;

namespace {

// Refused at the start with this code and a line that names the directory; nothing is left.
void check_refused(const Pipeline& pipeline, const Command& command) {
    const auto outcome = run(command, 5s);
    INFO("standard error: ", outcome.errors);
    CHECK((outcome.code == 73 || outcome.code == 77));
    CHECK(is_one_line(outcome.errors));
    CHECK(contains(outcome.errors, pipeline.log_dir().string()));
    CHECK(outcome.elapsed < kAtOnce);
    CHECK(pipeline.leftovers() == "");
}

// The lines of one process stand in the order in which they were made.
std::string fault_of_times(const RecordLog& log) {
    std::map<pid_t, std::string_view> latest;
    for (const auto& record : log.records()) {
        auto& time = latest[record.pid];
        if (record.time < time) return "back in time: " + std::string(record.message);
        time = record.time;
    }
    return {};
}

// How often each program said that its log can't be written.
std::map<std::string, int> complaints_of(const std::string& errors) {
    std::map<std::string, int> counts;
    for (const auto line : lines_of(errors)) {
        if (contains(line, "log can't be written"))
            ++counts[std::string(line.substr(0, line.find(':')))];
    }
    return counts;
}

// Whether the process has a file open that no name leads to any more.
bool writes_removed_file(pid_t pid) {
    const std::filesystem::directory_iterator descriptors("/proc/" + std::to_string(pid) + "/fd");
    return std::any_of(begin(descriptors), end(descriptors), [](const auto& descriptor) {
        std::error_code closed_meanwhile;
        return std::filesystem::read_symlink(descriptor, closed_meanwhile)
            .string()
            .ends_with("(deleted)");
    });
}

TEST_SUITE("log_directory") {
    TEST_CASE("log directory: it is made when it is missing") {
        Pipeline pipeline;
        pipeline.start();
        CHECK(std::filesystem::is_regular_file(pipeline.log_file()));
        CHECK(pipeline.stop() == 0);
    }

    TEST_CASE("log directory: by default it is log/ in the working directory") {
        Pipeline pipeline;
        pipeline.start(pipeline.command("launcher"));
        CHECK(std::filesystem::is_regular_file(pipeline.directory() / "log" / "info.log"));
        CHECK(pipeline.stop() == 0);
    }

    TEST_CASE("log directory: a file in its place is refused and left as it is") {
        Pipeline pipeline;
        write_text(pipeline.log_dir(), "precious");
        check_refused(pipeline, pipeline.launcher_command());
        CHECK(read_text(pipeline.log_dir()) == "precious");
    }

    TEST_CASE("log directory: a directory in the place of the file is refused") {
        Pipeline pipeline;
        std::filesystem::create_directories(pipeline.log_file());
        check_refused(pipeline, pipeline.launcher_command());
        CHECK(std::filesystem::is_directory(pipeline.log_file()));
    }

    TEST_CASE("log directory: one that may not be written to is refused") {
        Pipeline pipeline;
        std::filesystem::create_directory(pipeline.log_dir());
        auto command = pipeline.launcher_command();
        if (::geteuid() == 0) {
            // Permissions do not bind root, so somebody else has to try; from programs they can
            // reach.
            copy_programs(pipeline.directory());
            command.words[0] = pipeline.directory() / "launcher";
            command.user = kNobody;
            REQUIRE(::chown(pipeline.directory().c_str(), kNobody, kNobody) == 0);
            REQUIRE(::chown(pipeline.log_dir().c_str(), kNobody, kNobody) == 0);
        }
        std::filesystem::permissions(pipeline.log_dir(), std::filesystem::perms{0555});
        check_refused(pipeline, command);
        std::filesystem::permissions(pipeline.log_dir(), std::filesystem::perms{0755});
    }

    TEST_CASE("log directory: the log goes on where an earlier run's ended") {
        Pipeline pipeline;
        for (int round = 0; round < 2; ++round) {
            pipeline.start();
            CHECK(pipeline.enqueue_all(numbers(1, 10)) == 10);
            CHECK(pipeline.stop() == 0);
            CHECK(fault_of_run(pipeline.log(), pipeline.output()) == "");
        }
        CHECK(pipeline.whole_log().fault() == "");
        CHECK(pipeline.whole_log().starting("summary ").size() == 2);
    }

    TEST_CASE("log directory: a single event's record is there at once") {
        Pipeline pipeline;
        pipeline.start();
        for (int number = 1; number <= 5; ++number) {
            CHECK(pipeline.enqueue_all("x\n") == 1);
            CHECK(pipeline.await_record("processed id=" + std::to_string(number), 1s));
            CHECK(pipeline.await_output(static_cast<std::uint64_t>(number), 1s));
        }
        CHECK(pipeline.stop() == 0);
    }

    TEST_CASE("log directory: records are whole and in order with all processes writing") {
        Pipeline pipeline;
        pipeline.start({"--capacity", "500"});
        std::vector<Process> clients;
        for (int number = 0; number < 4; ++number) clients.push_back(pipeline.enqueue(10'000));
        for (auto& client : clients) CHECK(client.wait() == 0);
        CHECK(pipeline.stop() == 0);
        const auto log = pipeline.log();
        CHECK(fault_of_run(log, pipeline.output()) == "");
        CHECK(fault_of_times(log) == "");
    }

    TEST_CASE("log directory: a payload can't forge a record") {
        Pipeline pipeline;
        pipeline.start();
        CHECK(pipeline.enqueue_all("x\r2026-01-01T00:00:00.000000Z [1] [launcher] [info] "
                                   "summary accepted=9\n"
                                   "drained all\n"
                                   " attempt=2 payload=a\n") == 3);
        CHECK(pipeline.stop() == 0);
        const auto log = pipeline.log();
        CHECK(log.fault() == "");
        CHECK(log.starting("summary ").size() == 1);
        CHECK(log.starting("drained all").size() == 1);
        CHECK(log.account().value().accepted == 3);
    }

    TEST_CASE("log directory: a disk that fills up does not stop the work, and the loss is told") {
        Pipeline pipeline;
        std::filesystem::create_directory(pipeline.log_dir());
        const auto command = with_tmpfs(pipeline.launcher_command(), pipeline.log_dir(), "64k");
        if (!command) return;
        auto& launcher = pipeline.launch(*command);
        CHECK(await([&] { return contains(pipeline.errors(), "ready "); }));
        CHECK(pipeline.enqueue_all(numbers(1, 20'000)) == 20'000);
        CHECK(pipeline.await_output(20'000));
        launcher.send(SIGTERM);
        CHECK(launcher.wait() == 74);
        CHECK((pipeline.output() == numbers(1, 20'000)));
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("log directory: of lines that are lost a process complains at most once in 10 s") {
        Pipeline pipeline;
        std::filesystem::create_directory(pipeline.log_dir());
        const auto command = with_tmpfs(pipeline.launcher_command({"--event-delay", "100us"}),
                                        pipeline.log_dir(), "64k");
        if (!command) return;
        const Stopwatch watch;
        auto& launcher = pipeline.launch(*command);
        CHECK(await([&] { return contains(pipeline.errors(), "ready "); }));
        CHECK(pipeline.enqueue_all(numbers(1, 5000)) == 5000);
        CHECK(pipeline.await_output(5000));
        launcher.send(SIGTERM);
        CHECK(launcher.wait() == 74);
        const auto most = 1 + watch.elapsed() / 10s;
        const auto complaints = complaints_of(pipeline.errors());
        CHECK(complaints.contains("consumer"));
        for (const auto& complaint : complaints) {
            CAPTURE(complaint.first);
            CHECK(complaint.second <= most);
        }
    }

    TEST_CASE("log directory: a file system that becomes read-only while running costs log lines") {
        Pipeline pipeline;
        std::filesystem::create_directory(pipeline.log_dir());
        const auto command = with_disk(pipeline.launcher_command(), pipeline.log_dir());
        if (!command) return;
        auto& launcher = pipeline.launch(*command);
        CHECK(await([&] { return contains(pipeline.errors(), "ready "); }));
        CHECK(pipeline.enqueue_all(numbers(1, 100)) == 100);
        CHECK(pipeline.await_output(100));
        REQUIRE(make_read_only(launcher.pid(), pipeline.log_dir()));
        CHECK(pipeline.enqueue_all(numbers(101, 2000)) == 1900);
        launcher.send(SIGTERM);
        CHECK(launcher.wait() == 74);
        CHECK(pipeline.output() == numbers(1, 2000));
        CHECK(complaints_of(pipeline.errors()).contains("consumer"));
        CHECK(contains(pipeline.errors(), "summary accepted=2000"));
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("log directory: SIGHUP after a move opens a new file and loses no line over both") {
        Pipeline pipeline;
        pipeline.start({"--event-delay", "100us"});
        auto client = pipeline.enqueue(5000);
        CHECK(pipeline.await_output(100));
        const auto moved = pipeline.log_dir() / "info.log.1";
        std::filesystem::rename(pipeline.log_file(), moved);
        pipeline.launcher().send(SIGHUP);
        CHECK(await([&] { return std::filesystem::exists(pipeline.log_file()); }, 1s));
        CHECK(client.wait() == 0);
        CHECK(pipeline.stop() == 0);
        const RecordLog both(read_text(moved) + read_text(pipeline.log_file()));
        CHECK(fault_of_run(both, pipeline.output()) == "");
        CHECK_FALSE(read_text(pipeline.log_file()).empty());
    }

    TEST_CASE(
        "log directory: SIGHUP makes it again where it was removed, and what was lost is told") {
        Pipeline pipeline;
        pipeline.start();
        std::filesystem::remove_all(pipeline.log_dir());
        CHECK(pipeline.enqueue_all(numbers(1, 10)) == 10);
        CHECK(pipeline.await_output(10));
        pipeline.launcher().send(SIGHUP);
        CHECK(await([&] {
            return std::filesystem::exists(pipeline.log_file()) &&
                   !writes_removed_file(pipeline.stage("producer").value()) &&
                   !writes_removed_file(pipeline.stage("consumer").value());
        }));
        CHECK(pipeline.enqueue_all(numbers(11, 20)) == 10);
        CHECK(pipeline.stop() == 74);
        CHECK(contains(pipeline.errors(), "log_lines_lost=10"));
        CHECK(pipeline.output() == numbers(1, 20));
        CHECK(pipeline.leftovers() == "");
    }
}

}  // namespace
