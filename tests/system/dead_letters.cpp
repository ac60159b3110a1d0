// Dead letters, and what a person does with them: `launcher dead list|retry|drop`.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "harness/expect.hpp"
#include "harness/files.hpp"
#include "harness/pipeline.hpp"
#include "harness/random.hpp"

using namespace harness;
using namespace std::chrono_literals;

namespace {

// A line whose payload is given as a JSON string's inside.
std::string letter(std::uint64_t id, const std::string& payload,
                   const std::string& run = "5f1c0e9a") {
    return R"({"id":)" + std::to_string(id) + R"(,"run":")" + run +
           R"(","time":"2026-11-22T17:40:01.123456Z","attempts":4,"reason":"exit status 3",)" +
           R"("payload":")" + payload + "\"}\n";
}

// Letters first..last with the payloads pFIRST..pLAST, each with so many bytes behind it.
std::string letters(std::uint64_t first, std::uint64_t last, std::size_t padding = 0) {
    std::string text;
    for (std::uint64_t id = first; id <= last; ++id) {
        text += letter(id, "p" + std::to_string(id) + std::string(padding, '.'));
    }
    return text;
}

std::filesystem::path file_of(const Pipeline& pipeline) {
    return pipeline.log_dir() / "dead.ndjson";
}

void write_letters(const Pipeline& pipeline, const std::string& text) {
    std::filesystem::create_directories(pipeline.log_dir());
    write_text(file_of(pipeline), text);
}

// As a consumer appends: under the lock, and to the file that the path leads to.
void append_letters(const Pipeline& pipeline, const std::string& text) {
    while (true) {
        const int fd =
            ::open(file_of(pipeline).c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
        REQUIRE(::flock(fd, LOCK_EX) == 0);
        struct stat open {};
        struct stat named {};
        const bool is_current = ::fstat(fd, &open) == 0 &&
                                ::stat(file_of(pipeline).c_str(), &named) == 0 &&
                                open.st_ino == named.st_ino;
        const bool is_in = is_current && ::write(fd, text.data(), text.size()) ==
                                             static_cast<ssize_t>(text.size());
        ::flock(fd, LOCK_UN);  // a child that is just being started has the descriptor too
        ::close(fd);
        if (is_in) return;
    }
}

Outcome dead(const Pipeline& pipeline, Flags words) {
    words.insert(words.begin(), "dead");
    return run(pipeline.launcher_command(words));
}

Process start_dead(const Pipeline& pipeline, const Flags& words, const std::string& stem) {
    Flags all{"dead"};
    all.insert(all.end(), words.begin(), words.end());
    Command command = pipeline.launcher_command(all);
    command.output = pipeline.directory() / (stem + ".out");
    command.errors = pipeline.directory() / (stem + ".err");
    return Process(command);
}

// The first of p1..pLAST that is neither in the pipeline's output nor in the file, or, unless it
// may, more than once, in words.
std::string fault_of_both(const std::string& output, const std::string& file, std::uint64_t last,
                          bool may_repeat) {
    std::map<std::string, int> count;
    for (const auto line : lines_of(output)) ++count[std::string(line.substr(0, line.find('.')))];
    for (const auto line : lines_of(file)) {
        const auto begin = line.find(R"("payload":")") + 11;
        ++count[std::string(line.substr(begin, line.find_first_of(".\"", begin) - begin))];
    }
    for (std::uint64_t id = 1; id <= last; ++id) {
        const int seen = count["p" + std::to_string(id)];
        if (seen == 0 || (seen > 1 && !may_repeat)) {
            return "p" + std::to_string(id) + " is there " + std::to_string(seen) + " times";
        }
    }
    return "";
}

void check_refused(const Pipeline& pipeline, const Flags& words, const std::string& value) {
    CAPTURE(words);
    const std::string before = read_text(file_of(pipeline));
    const auto outcome = dead(pipeline, words);
    INFO("standard error: ", outcome.errors);
    CHECK(outcome.code == 64);
    CHECK(outcome.output == "");
    CHECK(is_one_line(outcome.errors));
    CHECK(contains(outcome.errors, value));
    CHECK(read_text(file_of(pipeline)) == before);
}

TEST_SUITE("dead_letters") {
    TEST_CASE("dead letters: list shows a line for each, --json the lines as they stand") {
        const Pipeline pipeline;
        CHECK(dead(pipeline, {"list"}).code == 0);
        CHECK(dead(pipeline, {"list"}).output == "");
        CHECK_FALSE(std::filesystem::exists(pipeline.log_dir()));
        const std::string file = letter(17, "one") + letter(18, std::string(63, 'x') + "\xc3\xa9") +
                                 letter(19, "a\\nb\\u001b") +
                                 R"({"id":20,"run":"a","time":"t","attempts":1,"reason":"r\n",)"
                                 R"("payload_base64":"//4=","stderr":"oops"})"
                                 "\n";
        write_letters(pipeline, file + R"({"id":21,"run")");
        const auto shown = dead(pipeline, {"list"});
        CHECK(shown.code == 0);
        CHECK(shown.errors == "");
        const std::string begin =
            " time=2026-11-22T17:40:01.123456Z attempts=4 "
            "reason=\"exit status 3\" payload=";
        CHECK(shown.output == "id=17" + begin + "one\nid=18" + begin + std::string(63, 'x') +
                                  "...\nid=19" + begin + "a\\nb\\x1b\n" +
                                  "id=20 time=t attempts=1 reason=\"r\\n\" payload=\\xff\\xfe\n");
        CHECK(dead(pipeline, {"list", "--json"}).output == file);
        CHECK(dead(pipeline, {"--json", "list"}).output == file);
    }

    TEST_CASE("dead letters: a line that is none is named, and never changed") {
        Pipeline pipeline;
        write_letters(pipeline, letter(1, "p1") + "scribble\n" + letter(2, "p2"));
        const auto shown = dead(pipeline, {"list"});
        CHECK(shown.code == 74);
        CHECK(std::ranges::count(shown.output, '\n') == 2);
        CHECK(is_one_line(shown.errors));
        CHECK(contains(shown.errors, "line 2"));
        CHECK(dead(pipeline, {"drop", "1"}).code == 0);
        pipeline.start();
        const auto retried = dead(pipeline, {"retry"});
        CHECK(retried.code == 74);
        CHECK(retried.output == "retried=1\n");
        CHECK(read_text(file_of(pipeline)) == "scribble\n");
        CHECK(dead(pipeline, {"drop", "--all"}).code == 74);
        CHECK(read_text(file_of(pipeline)) == "scribble\n");
        CHECK(pipeline.stop() == 0);
    }

    TEST_CASE("dead letters: what is not to be understood is refused and shown") {
        const Pipeline pipeline;
        write_letters(pipeline, letters(1, 3));
        check_refused(pipeline, {}, "list");
        check_refused(pipeline, {"bury"}, "bury");
        check_refused(pipeline, {"bury", "1"}, "bury");
        check_refused(pipeline, {"list", "1"}, "1");
        check_refused(pipeline, {"list", "--all"}, "--all");
        check_refused(pipeline, {"drop"}, "--all");
        check_refused(pipeline, {"drop", "--all", "1"}, "--all");
        check_refused(pipeline, {"drop", "--all", "--json"}, "--json");
        check_refused(pipeline, {"retry", "--all"}, "--all");
        check_refused(pipeline, {"retry", "--json"}, "--json");
        for (const std::string verb : {"retry", "drop"}) {
            for (const std::string id :
                 {"one", "1x", "1K", "-1", "+1", "1.0", " 1", "0x1", "", "18446744073709551616"}) {
                check_refused(pipeline, {verb, "1", id}, id);
            }
            check_refused(pipeline, {verb, "1", "4"}, "4");
            check_refused(pipeline, {verb, "0"}, "0");
        }
        for (const Flags& words : std::vector<Flags>{{"--json"}, {"--all"}, {"scale", "2", "3"}}) {
            CHECK(run(pipeline.launcher_command(words)).code == 64);
        }
        std::filesystem::remove(file_of(pipeline));
        check_refused(pipeline, {"drop", "1"}, "1");
        CHECK_FALSE(std::filesystem::exists(file_of(pipeline)));
    }

    TEST_CASE("dead letters: drop removes what is named, or all, and says how many") {
        const Pipeline pipeline;
        CHECK(dead(pipeline, {"drop", "--all"}).output == "dropped=0\n");
        write_letters(pipeline, letters(1, 5) + letter(2, "other", "00000001"));
        const auto some = dead(pipeline, {"drop", "4", "2", "4"});
        CHECK(some.code == 0);
        CHECK(some.output == "dropped=3\n");
        CHECK(some.errors == "");
        CHECK(read_text(file_of(pipeline)) == letter(1, "p1") + letter(3, "p3") + letter(5, "p5"));
        const auto all = dead(pipeline, {"drop", "--all"});
        CHECK(all.code == 0);
        CHECK(all.output == "dropped=3\n");
        CHECK(read_text(file_of(pipeline)) == "");
    }

    TEST_CASE("dead letters: retry needs a running pipeline, and changes nothing without") {
        const Pipeline pipeline;
        for (const std::string& file : {std::string(), letters(1, 3)}) {
            write_letters(pipeline, file);
            const auto outcome = dead(pipeline, {"retry"});
            CHECK(outcome.code == 69);
            CHECK(is_one_line(outcome.errors));
            CHECK(read_text(file_of(pipeline)) == file);
        }
    }

    TEST_CASE("dead letters: retry enqueues what is named, or all, and removes it") {
        Pipeline pipeline;
        pipeline.start();
        CHECK(dead(pipeline, {"retry"}).output == "retried=0\n");
        write_letters(pipeline, letters(1, 5) + letter(2, "", "00000001") +
                                    R"({"id":6,"run":"a","time":"t","attempts":1,"reason":"",)"
                                    R"("payload_base64":"//4="})"
                                    "\n");
        const auto some = dead(pipeline, {"retry", "4", "2"});
        CHECK(some.code == 0);
        CHECK(some.output == "retried=3\n");
        CHECK(some.errors == "");
        REQUIRE(pipeline.await_output(3));
        CHECK(pipeline.output() == "p2\np4\n\n");
        const auto all = dead(pipeline, {"retry"});
        CHECK(all.code == 0);
        CHECK(all.output == "retried=4\n");
        CHECK(read_text(file_of(pipeline)) == "");
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.output() == "p2\np4\n\np1\np3\np5\n\xff\xfe\n");
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("dead letters: what the pipeline can't take stays, is named, and stops no other") {
        Pipeline pipeline;
        pipeline.start({"--buffer-size", "4K"});
        const std::string large = letter(2, std::string(100'000, 'x'));
        const std::string torn = letter(4, "a\\nb");
        write_letters(pipeline, letter(1, "p1") + large + letter(3, "p3") + torn + letter(5, "p5"));
        const auto outcome = dead(pipeline, {"retry"});
        INFO("standard error: ", outcome.errors);
        CHECK(outcome.code == 74);
        CHECK(outcome.output == "retried=3\n");
        CHECK(is_one_line(outcome.errors));
        CHECK(contains(outcome.errors, "buffer is event 2,"));
        CHECK(contains(outcome.errors, "event 4,"));
        CHECK(read_text(file_of(pipeline)) == large + torn);
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.output() == "p1\np3\np5\n");
    }

    TEST_CASE("dead letters: a retry that the stop or a signal cuts short removes what got in") {
        for (const bool is_stop : {true, false}) {
            CAPTURE(is_stop);
            Pipeline pipeline;
            pipeline.start({"--capacity", "8", "--event-delay", "500us", "--grace", "1m"});
            write_letters(pipeline, letters(1, 10'000, 100));
            Process retry = start_dead(pipeline, {"retry"}, "retry");
            REQUIRE(pipeline.await_output(20));
            if (is_stop) {
                CHECK(pipeline.stop() == 0);
            } else {
                retry.send(SIGTERM);
            }
            const int code = retry.wait();
            CHECK(code == (is_stop ? 75 : 128 + SIGTERM));
            CHECK(is_one_line(retry.errors()));
            const std::string file = read_text(file_of(pipeline));
            const auto left = static_cast<std::uint64_t>(std::ranges::count(file, '\n'));
            CHECK(retry.output() == "retried=" + std::to_string(10'000 - left) + "\n");
            if (!is_stop) pipeline.stop(SIGTERM, 60s);
            CHECK(fault_of_both(pipeline.output(), file, 10'000, false) == "");
        }
    }

    TEST_CASE("dead letters: a retry killed at any moment leaves an event in both, never in none") {
        constexpr std::uint64_t kLetters = 3000;
        Random random("killed retry");
        Pipeline pipeline;
        pipeline.start();
        write_letters(pipeline, letters(1, kLetters));
        for (int round = 0; round < 60; ++round) {
            Process retry = start_dead(pipeline, {"retry"}, "retry" + std::to_string(round));
            let_pass(random.moment(40ms));
            retry.send(SIGKILL);
            const int code = retry.wait();
            CHECK((code == 0 || code == 128 + SIGKILL));
            const std::string file = read_text(file_of(pipeline));
            CHECK(await(
                [&] { return fault_of_both(pipeline.output(), file, kLetters, true) == ""; }, 5s));
            if (file.empty()) write_letters(pipeline, letters(1, kLetters));
        }
        CHECK(dead(pipeline, {"retry"}).code == 0);
        CHECK(read_text(file_of(pipeline)) == "");
        CHECK(pipeline.stop() == 0);
        CHECK(fault_of_both(pipeline.output(), "", kLetters, true) == "");
    }

    TEST_CASE("dead letters: none that is appended during retries is lost, or done twice") {
        constexpr std::uint64_t kLetters = 2000;
        Pipeline pipeline;
        pipeline.start();
        write_letters(pipeline, "");
        std::atomic<bool> is_done = false;
        std::thread appender([&] {
            for (std::uint64_t id = 1; id <= kLetters; ++id) {
                append_letters(pipeline, letters(id, id));
                let_pass(200us);
            }
            is_done = true;
        });
        do {
            const auto outcome = dead(pipeline, {"retry"});
            INFO("standard error: ", outcome.errors);
            CHECK(outcome.code == 0);
        } while (!is_done);
        appender.join();
        const std::string file = read_text(file_of(pipeline));
        CHECK(pipeline.stop() == 0);
        CHECK(fault_of_both(pipeline.output(), file, kLetters, false) == "");
    }

    TEST_CASE("dead letters: what is no file is refused, and a command never waits at it") {
        Pipeline pipeline;
        pipeline.start();
        std::filesystem::create_directories(pipeline.log_dir());
        REQUIRE(::mkfifo(file_of(pipeline).c_str(), 0600) == 0);
        for (const Flags& words : std::vector<Flags>{{"list"}, {"retry"}, {"drop", "--all"}}) {
            const auto outcome = dead(pipeline, words);
            CHECK(outcome.code == 73);
            CHECK(is_one_line(outcome.errors));
            CHECK(contains(outcome.errors, file_of(pipeline).string()));
        }
        CHECK(pipeline.stop() == 0);
    }
}

}  // namespace
