// `--exec`: what a command gets, what becomes of what it writes and of what it leaves, and how many
// of them there are at a time. What happens when one fails is in failures.cpp.

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "harness/expect.hpp"
#include "harness/files.hpp"
#include "harness/pipeline.hpp"
#include "harness/process_table.hpp"

using namespace harness;
using namespace std::chrono_literals;

namespace {

Flags exec(const std::string& command, const Flags& more = {}) {
    Flags flags{"--exec", command};
    flags.insert(flags.end(), more.begin(), more.end());
    return flags;
}

// Has the command run for each of these lines, and stops when all are done.
void run_for(Pipeline& pipeline, std::string_view lines, const Flags& flags) {
    pipeline.start(flags);
    const auto count = pipeline.enqueue_all(lines);
    CHECK(await([&] { return pipeline.log().starting("processed ").size() == count; }));
    CHECK(pipeline.stop() == 0);
    CHECK(pipeline.log().fault() == "");
    CHECK(pipeline.leftovers() == "");
}

// What a command with this payload as its only event has put out.
std::string output_for(const std::string& payload, const std::string& command,
                       const Flags& more = {}) {
    Pipeline pipeline;
    run_for(pipeline, payload + "\n", exec(command, more));
    return pipeline.output();
}

bool runs_only_stages(const Pipeline& pipeline) {
    return std::ranges::all_of(processes_marked(pipeline.name()), [](pid_t pid) {
        const auto program = program_of(pid);
        return program == "launcher" || program == "producer" || program == "consumer" ||
               program.empty();
    });
}

std::size_t count_descriptors(pid_t pid) {
    const auto fds = "/proc/" + std::to_string(pid) + "/fd";
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(fds), {}));
}

// The most memory that it ever had, in KiB.
std::uint64_t peak_memory(pid_t pid) {
    const auto text = read_text("/proc/" + std::to_string(pid) + "/status");
    return std::stoull(text.substr(text.find("VmHWM:") + 6));
}

void check_refused(const Flags& flags, const std::string& named) {
    CAPTURE(flags);
    const Pipeline pipeline;
    const auto outcome = run(pipeline.launcher_command(flags));
    INFO("standard error: ", outcome.errors);
    CHECK(outcome.code == 64);
    CHECK(is_one_line(outcome.errors));
    CHECK(contains(outcome.errors, named));
    CHECK(pipeline.leftovers() == "");
}

TEST_SUITE("exec") {
    TEST_CASE("exec: the payload is on standard input without a newline, and in $1") {
        CHECK(output_for("a  'b' $HOME \"c\"", "cat; echo; echo \"[$1]\"; echo $#") ==
              "a  'b' $HOME \"c\"\n[a  'b' $HOME \"c\"]\n1\n");
        CHECK(output_for("", "wc -c; echo \"[${1-unset}]\"; echo \"$0\"") == "0\n[]\ndrainpipe\n");
    }

    TEST_CASE("exec: a payload with a zero byte, or above 64 KiB, is on standard input alone") {
        const std::string command = "wc -c; echo \"${1-unset}\" | wc -c";
        CHECK(output_for(std::string("a\0b", 3), command) == "3\n6\n");
        CHECK(output_for(std::string(65'536, 'x'), command) == "65536\n65537\n");
        CHECK(output_for(std::string(65'537, 'x'), command) == "65537\n6\n");
        const std::string large(1 << 20, 'x');
        CHECK(output_for(large, "cat; echo ${1-unset}") == large + "unset\n");
    }

    TEST_CASE("exec: a command without a shell's characters does the same without a shell") {
        CHECK(output_for("x y", "cat") == "x y");
        CHECK(output_for("x", "tr x y") == "y");
        CHECK(output_for("x", "sed s/x/plain/") == "plain");
        // Of its own pid a shell would have another one as child.
        CHECK(output_for("x", "readlink /proc/self/exe") != "");
        CHECK(output_for("x", "echo plain") == "plain\n");  // a shell's own word
        CHECK(output_for("x", "echo 'a b' | cat") == "a b\n");
    }

    TEST_CASE("exec: the environment names pipeline, event, attempt and run") {
        Pipeline pipeline;
        pipeline.start(
            exec("echo $DRAINPIPE_NAME $DRAINPIPE_ID $DRAINPIPE_ATTEMPT $DRAINPIPE_RUN; "
                 "[ $DRAINPIPE_ID = 1 ] || [ $DRAINPIPE_ATTEMPT = 2 ]",
                 {"--backoff", "1ms"}));
        const std::string run{value_of(pipeline.log().first("ready "), "run").value_or("")};
        CHECK(run.size() >= 8);
        pipeline.enqueue_all(numbers(1, 2));
        REQUIRE(pipeline.await_output(2));
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.output() ==
              pipeline.name() + " 1 1 " + run + "\n" + pipeline.name() + " 2 2 " + run + "\n");
    }

    TEST_CASE("exec: a record says how long it took, and which attempt") {
        Pipeline pipeline;
        pipeline.start(exec("sleep 0.1; [ $DRAINPIPE_ATTEMPT = 2 ]", {"--backoff", "1ms"}));
        pipeline.enqueue_all("17\n");
        REQUIRE(pipeline.await_record("processed id=1 attempt=2 took=0."));
        const auto log = pipeline.log();
        const auto done = log.first("processed ");
        CHECK(std::stod(std::string(value_of(done, "took").value_or("0"))) >= 0.1);
        CHECK(done.ends_with("s payload=17"));
        const auto failed = log.first("failed ");
        CHECK(failed.starts_with("failed id=1 attempt=1 reason=\"exit status 1\" retry_in=0.00"));
        CHECK(failed.ends_with("s payload=17"));
        CHECK(pipeline.stop() == 0);
    }

    TEST_CASE("exec: outputs of eight jobs never mix, however slowly they are written") {
        Pipeline pipeline;
        run_for(pipeline, numbers(1, 24),
                exec("for part in 1 2 3; do echo \"$1.$part\"; sleep 0.02; done; printf '%s.' $1",
                     {"--jobs", "8"}));
        std::string text = pipeline.output();
        for (int id = 1; id <= 24; ++id) {
            const std::string mine = std::to_string(id) + ".";
            const std::string whole = mine + "1\n" + mine + "2\n" + mine + "3\n" + mine;
            const auto at = text.find(whole);
            CAPTURE(id);
            REQUIRE(at != std::string::npos);
            text.erase(at, whole.size());
            text.insert(at, "\n");  // none is found across the gap
        }
        CHECK(text.find_first_not_of('\n') == std::string::npos);
    }

    TEST_CASE("exec: large outputs come out whole, and are in nobody's memory") {
        constexpr std::size_t kBytes = 8 << 20;
        Pipeline pipeline;
        pipeline.start(exec("head -c " + std::to_string(kBytes) +
                                " /dev/zero | tr '\\0' \"$1\"; echo; [ $DRAINPIPE_ATTEMPT = 2 ]",
                            {"--jobs", "8", "--backoff", "1ms"}));
        const auto consumer = pipeline.stage("consumer");
        REQUIRE(consumer.has_value());
        const auto before = peak_memory(*consumer);
        pipeline.enqueue_all("a\nb\nc\nd\ne\nf\ng\nh\n");
        CHECK(await([&] { return pipeline.log().starting("processed ").size() == 8; }, 60s));
        CHECK(peak_memory(*consumer) < before + 32 * 1024);
        CHECK(pipeline.stop() == 0);
        const auto text = pipeline.output();
        std::string seen;
        for (const auto line : lines_of(text)) {
            CHECK(line.size() == kBytes);
            CHECK(line.find_first_not_of(line.front()) == std::string_view::npos);
            seen += line.front();
        }
        std::ranges::sort(seen);
        CHECK(seen == "abcdefgh");
    }

    TEST_CASE("exec: what a failed try wrote goes to nobody's output") {
        CHECK(output_for("x", "echo $DRAINPIPE_ATTEMPT; [ $DRAINPIPE_ATTEMPT = 3 ]",
                         {"--backoff", "1ms"}) == "3\n");
        CHECK(output_for("x", "head -c 3000000 /dev/zero; [ $DRAINPIPE_ATTEMPT = 3 ] || kill -9 $$",
                         {"--backoff", "1ms"}) == std::string(3'000'000, '\0'));
    }

    TEST_CASE("exec: standard error is the launcher's, a line at a time, with the event's id") {
        Pipeline pipeline;
        run_for(pipeline, numbers(1, 16),
                exec("printf 'one ' >&2; sleep 0.05; echo \"$1\" >&2; printf 'no newline' >&2",
                     {"--jobs", "8"}));
        const auto errors = pipeline.errors();
        auto counts = line_counts(errors);
        for (int id = 1; id <= 16; ++id) {
            const std::string label = "consumer[" + std::to_string(id) + "]: ";
            CHECK(counts[label + "one " + std::to_string(id)] == 1);
            CHECK(counts[label + "no newline"] == 1);
        }
        CHECK(pipeline.output() == "");
    }

    TEST_CASE("exec: a command that reads nothing, or a part, of a large payload has not failed") {
        const std::string large(1 << 20, 'x');
        CHECK(output_for(large, "true") == "");
        CHECK(output_for(large, "head -c 3") == "xxx");
        CHECK(output_for(large, "exec <&-; sleep 0.1; echo done") == "done\n");
    }

    TEST_CASE("exec: a command that closes its output and goes on is waited for, at no cost") {
        Pipeline pipeline;
        pipeline.start(exec("echo out; exec >&- 2>&- <&-; sleep 1; echo late >late"));
        const auto consumer = pipeline.stage("consumer");
        REQUIRE(consumer.has_value());
        pipeline.enqueue_all("x\n");
        REQUIRE(pipeline.await_record("processed "));
        CHECK(read_text(pipeline.directory() / "late") == "late\n");
        CHECK(cpu_time(*consumer) < 500ms);
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.output() == "out\n");
    }

    TEST_CASE("exec: a daemon that holds the output open delays nothing, and is ended") {
        for (const std::string start :
             {"sleep 600 &", "setsid sleep 600 &", "(setsid sleep 600 &);",
              "(trap '' TERM HUP; setsid sh -c 'sleep 600 & sleep 600; :' &);"}) {
            CAPTURE(start);
            Pipeline pipeline;
            pipeline.start(exec(start + " echo out"));
            pipeline.enqueue_all("x\n");
            REQUIRE(pipeline.await_output(1, kAtOnce));
            CHECK(await([&] { return runs_only_stages(pipeline); }));
            CHECK(pipeline.stop() == 0);
        }
    }

    TEST_CASE("exec: what a command left with no environment is ended when no other runs") {
        Pipeline pipeline;
        pipeline.start(
            exec("env -i SYSTEM_TEST_PIPELINE=$SYSTEM_TEST_PIPELINE setsid sleep 600 & "
                 "sleep 0.$1",
                 {"--jobs", "4"}));
        pipeline.enqueue_all(numbers(1, 8));
        CHECK(await([&] { return pipeline.log().starting("processed ").size() == 8; }));
        CHECK(await([&] { return runs_only_stages(pipeline); }));
        CHECK(pipeline.stop() == 0);
    }

    TEST_CASE("exec: what one command has in the background lives while it does") {
        Pipeline pipeline;
        pipeline.start(
            exec("[ $1 != 1 ] || { (setsid sh -c 'sleep 1; echo alive >alive' &); "
                 "while [ ! -e alive ]; do sleep 0.05; done; }",
                 {"--jobs", "4"}));
        pipeline.enqueue_all(numbers(1, 50));
        CHECK(await([&] { return pipeline.log().starting("processed ").size() == 50; }));
        CHECK(read_text(pipeline.directory() / "alive") == "alive\n");
        CHECK(pipeline.stop() == 0);
    }

    TEST_CASE("exec: so many jobs run at once, and no more") {
        for (const unsigned jobs : {1u, 4u}) {
            CAPTURE(jobs);
            Pipeline pipeline;
            const std::string enough = std::to_string(jobs);
            run_for(pipeline, numbers(1, 12),
                    exec("printf + >>running; while [ $(tr -d - <running | wc -c) -lt " + enough +
                             " ]; do sleep 0.01; done; sleep 0.02; printf - >>running",
                         {"--jobs", enough}));
            int now = 0;
            int most = 0;
            for (const char change : read_text(pipeline.directory() / "running")) {
                now += change == '+' ? 1 : -1;
                most = std::max(most, now);
            }
            CHECK(most == static_cast<int>(jobs));
            CHECK(now == 0);
        }
    }

    TEST_CASE("exec: with jobs of several consumers no event waits behind a slow one") {
        Pipeline pipeline;
        pipeline.start(exec("[ $1 != 1 ] || sleep 600", {"--consumers", "2", "--grace", "500ms"}));
        pipeline.enqueue_all(numbers(1, 40));
        CHECK(await([&] { return pipeline.log().starting("processed ").size() == 39; }));
        CHECK(pipeline.stop() == 124);
    }

    TEST_CASE("exec: a batch has a line for each event, and no $1") {
        Pipeline pipeline;
        pipeline.start(exec("echo $(cat) ${1-unset}", {"--batch", "10", "--batch-wait", "10m"}));
        pipeline.enqueue_all(numbers(1, 25));
        REQUIRE(pipeline.await_output(2));
        const Stopwatch watch;
        CHECK(pipeline.stop() == 0);  // the part batch goes at once
        CHECK(watch.elapsed() < kAtOnce);
        CHECK(pipeline.output() ==
              "1 2 3 4 5 6 7 8 9 10 unset\n11 12 13 14 15 16 17 18 19 20 unset\n"
              "21 22 23 24 25 unset\n");
        CHECK(pipeline.log().starting("processed ").size() == 20);
    }

    TEST_CASE("exec: a part batch goes when its first event is old enough") {
        Pipeline pipeline;
        pipeline.start(exec("wc -l; echo ${1-unset}", {"--batch", "100", "--batch-wait", "300ms"}));
        const Stopwatch watch;
        pipeline.enqueue_all("one\n");
        REQUIRE(pipeline.await_output(2));
        CHECK(watch.elapsed() >= 300ms);
        CHECK(pipeline.output() == "1\none\n");
        CHECK(pipeline.stop() == 0);
    }

    TEST_CASE("exec: no more events begin than the rate allows, by all consumers together") {
        Pipeline pipeline;
        pipeline.start(exec("true", {"--rate", "20/s", "--jobs", "4", "--consumers", "2"}));
        const Stopwatch watch;
        pipeline.enqueue_all(numbers(1, 31));
        CHECK(await([&] { return pipeline.log().starting("processed ").size() == 31; }));
        CHECK(watch.elapsed() >= 1480ms);  // 30 intervals, and 10 ms of a burst
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.log().starting("rate lifted").size() == 2);
    }

    TEST_CASE("exec: a stop lifts the rate, and says so") {
        for (const Flags& work : {exec("cat; echo"), Flags{}}) {
            Pipeline pipeline;
            Flags flags = work;
            flags.insert(flags.end(), {"--rate", "1/h"});
            pipeline.start(flags);
            pipeline.enqueue_all(numbers(1, 30));
            REQUIRE(pipeline.await_output(1));
            CHECK(pipeline.stop() == 0);
            CHECK(pipeline.output() == numbers(1, 30));
            CHECK(pipeline.log().starting("rate lifted").size() == 1);
            CHECK(pipeline.log().starting("processed ").size() == 1);
        }
    }

    TEST_CASE("exec: a thousand commands leave no descriptor and no zombie") {
        Pipeline pipeline;
        pipeline.start(exec("true", {"--jobs", "4"}));
        pipeline.enqueue_all(numbers(1, 8));
        REQUIRE(await([&] { return pipeline.log().starting("processed ").size() == 8; }));
        const auto consumer = pipeline.stage("consumer");
        REQUIRE(consumer.has_value());
        CHECK(await([&] { return children_of(*consumer).empty(); }));
        const auto before = count_descriptors(*consumer);
        pipeline.enqueue_all(numbers(1, 1000));
        CHECK(await([&] { return pipeline.log().starting("processed ").size() == 1008; }, 60s));
        CHECK(await([&] { return children_of(*consumer).empty(); }));
        CHECK(count_descriptors(*consumer) == before);
        CHECK(pipeline.stage("consumer") == consumer);
        CHECK(pipeline.stop() == 0);
    }

    TEST_CASE("exec: more jobs than there are descriptors for are refused with what is needed") {
        Pipeline pipeline;
        const auto limited = [&](const std::string& jobs) {
            return after("ulimit -n 256; exec \"$@\"",
                         pipeline.launcher_command(exec("true", {"--jobs", jobs})));
        };
        CHECK(pipeline.launch(limited("64")).wait() == 71);
        CHECK(contains(pipeline.errors(), "--jobs 64 needs "));
        CHECK(contains(pipeline.errors(), "the limit is 256"));
        CHECK(pipeline.leftovers() == "");
        pipeline.start(limited("48"));
        pipeline.enqueue_all(numbers(1, 200));
        CHECK(await([&] { return pipeline.log().starting("processed ").size() == 200; }));
        CHECK(pipeline.stop() == 0);
    }

    TEST_CASE("exec: a command that can't be executed has failed") {
        Pipeline pipeline;
        write_text(pipeline.directory() / "no-program",
                   "\x7f"
                   "ELF none");
        std::filesystem::permissions(pipeline.directory() / "no-program",
                                     std::filesystem::perms{0755});
        pipeline.start(exec("./no-program", {"--retries", "0"}));
        pipeline.enqueue_all("x\n");
        CHECK(pipeline.await_record("dead id=1 attempt=1 reason=\""));
        CHECK(pipeline.stop() == 65);
        Pipeline other;
        other.start(exec("/nowhere/at/all", {"--retries", "0"}));
        other.enqueue_all("x\n");
        CHECK(other.await_record("dead id=1 attempt=1 reason=\"exit status 127\""));
        CHECK(other.stop() == 65);
    }

    TEST_CASE("exec: what makes no sense is refused with 64 and one line that names it") {
        check_refused({"--exec", "true", "--worker", "cat"}, "--worker");
        check_refused({"--exec", "true", "--forward", "other"}, "--forward");
        check_refused({"--worker", "cat", "--forward", "other"}, "--forward");
        check_refused({"--exec", "true", "--dispatch", "broadcast", "--consumers", "2"},
                      "--dispatch");
        check_refused({"--exec", "true", "--event-delay", "1ms"}, "--event-delay");
        for (const std::string flag : {"--jobs", "--batch", "--retries"}) {
            check_refused({flag, "2"}, flag);
        }
        for (const std::string flag : {"--batch-wait", "--timeout", "--backoff", "--backoff-max"}) {
            check_refused({flag, "1s"}, flag);
        }
        const auto with_exec = [](const std::string& flag, const std::string& value) {
            check_refused({"--exec", "true", flag, value}, flag);
        };
        check_refused({"--worker", "cat", "--batch", "2"}, "--batch");
        with_exec("--window", "2");
        with_exec("--worker-format", "json");
        for (const std::string value : {"0", "1025", "-1", "x", "1.5"}) with_exec("--jobs", value);
        for (const std::string value : {"0", "-1", "x"}) with_exec("--batch", value);
        for (const std::string value : {"251", "-1", "x"}) with_exec("--retries", value);
        for (const std::string value : {"0", "-1s", "x", "1d"}) with_exec("--timeout", value);
        for (const std::string value : {"-1s", "x"}) with_exec("--backoff", value);
        with_exec("--backoff-max", "x");
        for (const std::string value : {"0/s", "1", "1/d", "/s", "x/s", "-1/s", "1/"}) {
            with_exec("--rate", value);
        }
        with_exec("--batch-wait", "x");
        check_refused({"--exec", std::string(100'000, 'x')}, "--exec");
    }
}

}  // namespace
