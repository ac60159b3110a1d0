// Work that fails: retries, dead letters, what a stop or a kill makes of them, and the account.

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "harness/expect.hpp"
#include "harness/files.hpp"
#include "harness/mount.hpp"
#include "harness/pipeline.hpp"
#include "harness/process_table.hpp"
#include "harness/random.hpp"

using namespace harness;
using namespace std::chrono_literals;

namespace {

Flags running(const std::string& command, const Flags& more = {}) {
    Flags flags{"--exec", command};
    flags.insert(flags.end(), more.begin(), more.end());
    return flags;
}

std::string dead_letters(const Pipeline& pipeline) {
    return read_text(pipeline.log_dir() / "dead.ndjson");
}

bool await_records(const Pipeline& pipeline, std::string_view words, std::size_t count,
                   std::chrono::milliseconds limit = kTimeout) {
    return await([&] { return pipeline.log().starting(words).size() == count; }, limit);
}

// Seconds of the day.
double time_of(const Record& record) {
    const auto number = [&](std::size_t at, std::size_t size) {
        return std::stod(std::string(record.time.substr(at, size)));
    };
    return number(11, 2) * 3600 + number(14, 2) * 60 + number(17, 9);
}

double seconds_between(const Record& first, const Record& second) {
    const double seconds = time_of(second) - time_of(first);
    return seconds < 0 ? seconds + 86'400 : seconds;
}

double retry_in(const Record& record) {
    return std::stod(std::string(value_of(record.message, "retry_in").value_or("-1")));
}

// The last summary's number of that name.
std::uint64_t summed(const Pipeline& pipeline, std::string_view key) {
    const auto log = pipeline.log();
    const auto summaries = log.starting("summary ");
    REQUIRE(!summaries.empty());
    const auto number = number_of(summaries.back().message, key);
    REQUIRE(number.has_value());
    return *number;
}

void check_account(const Pipeline& pipeline) {
    CHECK(pipeline.log().fault() == "");
    CHECK(summed(pipeline, "accepted") ==
          summed(pipeline, "processed") + summed(pipeline, "emptied") +
              summed(pipeline, "drained") + summed(pipeline, "dead") + summed(pipeline, "left"));
}

// What of this pipeline's runs but its stages, by its mark.
std::string strangers(const Pipeline& pipeline) {
    std::string found;
    for (const pid_t pid : processes_marked(pipeline.name())) {
        const auto program = program_of(pid);
        if (program != "launcher" && program != "producer" && program != "consumer" &&
            !program.empty()) {
            found += program + " " + std::to_string(pid) + " ";
        }
    }
    return found;
}

// Leaves something in the background wherever it can hide, and runs on itself.
const std::string kHidesEverywhere =
    "sleep 601 & setsid sleep 602 & (setsid sleep 603 &) ; "
    "env -i SYSTEM_TEST_PIPELINE=$SYSTEM_TEST_PIPELINE setsid sleep 604 & "
    "(trap '' TERM HUP INT; setsid sh -c 'sleep 605 & sleep 606; :' &) ; "
    "echo hidden >&2; sleep 607; :";

std::size_t count_sleepers(const Pipeline& pipeline) {
    return static_cast<std::size_t>(std::ranges::count_if(
        processes_marked(pipeline.name()), [](pid_t pid) { return program_of(pid) == "sleep"; }));
}

TEST_SUITE("failures") {
    TEST_CASE("failures: any exit but 0 and 65, and a signal, is tried again") {
        Pipeline pipeline;
        pipeline.start(
            running("[ $DRAINPIPE_ATTEMPT = 1 ] || exit 0; exit $1", {"--backoff", "1ms"}));
        pipeline.enqueue_all("1\n64\n126\n255\n");
        CHECK(await_records(pipeline, "processed ", 4));
        for (const std::string status : {"1", "64", "126", "255"}) {
            CHECK(contains(read_text(pipeline.log_file()),
                           "attempt=1 reason=\"exit status " + status + "\" retry_in="));
        }
        CHECK(pipeline.stop() == 0);
        CHECK(summed(pipeline, "retried") == 4);
        CHECK(summed(pipeline, "redelivered") == 0);
        check_account(pipeline);
        Pipeline other;
        other.start(
            running("[ $DRAINPIPE_ATTEMPT = 1 ] || exit 0; kill -$1 $$", {"--backoff", "1ms"}));
        other.enqueue_all("SEGV\nKILL\n");
        CHECK(await_records(other, "processed ", 2));
        CHECK(other.await_record("failed id=1 attempt=1 reason=\"signal SIGSEGV\""));
        CHECK(other.await_record("failed id=2 attempt=1 reason=\"signal SIGKILL\""));
        CHECK(other.stop() == 0);
    }

    TEST_CASE("failures: exit 65 goes to the dead letters at once, with what it said last") {
        Pipeline pipeline;
        pipeline.start(
            running("head -c 5000 /dev/zero | tr '\\0' x >&2; echo ' the \"end\"' >&2; "
                    "exit 65"));
        const std::string run{value_of(pipeline.log().first("ready "), "run").value_or("")};
        pipeline.enqueue_all("pay\"load\n");
        CHECK(pipeline.await_record("dead id=1 attempt=1 reason=\"exit status 65\" payload=pay"));
        CHECK(pipeline.stop() == 65);
        const auto letter = dead_letters(pipeline);
        CHECK(is_one_line(letter));
        CHECK(letter.starts_with("{\"id\":1,\"run\":\"" + run + "\",\"time\":\"20"));
        CHECK(contains(letter, R"("attempts":1,"reason":"exit status 65","payload":"pay\"load")"));
        CHECK(
            contains(letter, "\"stderr\":\"" + std::string(4096 - 11, 'x') + R"( the \"end\"\n")"));
        CHECK(summed(pipeline, "dead") == 1);
        CHECK(summed(pipeline, "retried") == 0);
        check_account(pipeline);
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("failures: after one try and all retries an event is dead, and others are not") {
        for (const unsigned retries : {0u, 2u}) {
            CAPTURE(retries);
            Pipeline pipeline;
            pipeline.start(
                running("[ $1 != 3 ]", {"--backoff", "1ms", "--retries", std::to_string(retries)}));
            pipeline.enqueue_all(numbers(1, 5));
            const auto tries = std::to_string(retries + 1);
            CHECK(pipeline.await_record("dead id=3 attempt=" + tries +
                                        " reason=\"exit status 1\" payload=3"));
            CHECK(await_records(pipeline, "processed ", 4));
            CHECK(pipeline.log().starting("failed id=3 ").size() == retries);
            CHECK(pipeline.stop() == 65);
            CHECK(contains(dead_letters(pipeline), "\"attempts\":" + tries + ","));
            CHECK(summed(pipeline, "retried") == retries);
            check_account(pipeline);
            pipeline.start(running("true"));
            CHECK(pipeline.stop() == 0);  // none of that run
            CHECK(summed(pipeline, "dead") == 0);
        }
    }

    TEST_CASE("failures: a payload that is not UTF-8 is in base64 among the dead letters") {
        Pipeline pipeline;
        pipeline.start(running("exit 65"));
        pipeline.enqueue_all("\xff\xfe\n");
        CHECK(pipeline.await_record("dead id=1 "));
        CHECK(contains(dead_letters(pipeline), R"("payload_base64":"//4=")"));
        CHECK(pipeline.stop() == 65);
    }

    TEST_CASE("failures: pauses double up to the longest, drawn from half to whole, and are kept") {
        Pipeline pipeline;
        pipeline.start(running("false", {"--backoff", "100ms", "--backoff-max", "300ms",
                                         "--retries", "4", "--jobs", "8"}));
        pipeline.enqueue_all(numbers(1, 8));
        CHECK(await_records(pipeline, "dead ", 8));
        CHECK(pipeline.stop() == 65);
        const std::vector<double> wholes{0.1, 0.2, 0.3, 0.3};
        const auto log = pipeline.log();
        std::map<std::string, int> drawn;
        for (int id = 1; id <= 8; ++id) {
            auto tries = log.starting("failed id=" + std::to_string(id) + " ");
            REQUIRE(tries.size() == 4);
            tries.push_back(log.starting("dead id=" + std::to_string(id) + " ").front());
            for (std::size_t attempt = 1; attempt <= 4; ++attempt) {
                const auto& failed = tries[attempt - 1];
                const double whole = wholes[attempt - 1];
                CAPTURE(failed.message);
                CHECK(number_of(failed.message, "attempt") == attempt);
                CHECK(retry_in(failed) >= whole / 2);
                CHECK(retry_in(failed) <= whole);
                CHECK(seconds_between(failed, tries[attempt]) >= retry_in(failed));
                ++drawn[std::string(value_of(failed.message, "retry_in").value_or(""))];
            }
        }
        CHECK(drawn.size() > 8);  // not all the same
    }

    TEST_CASE("failures: without a pause an event is tried again at once") {
        Pipeline pipeline;
        pipeline.start(running("false", {"--backoff", "0s", "--retries", "250"}));
        pipeline.enqueue_all("x\n");
        CHECK(pipeline.await_record("dead id=1 attempt=251 "));
        CHECK(pipeline.stop() == 65);
        CHECK(summed(pipeline, "retried") == 250);
    }

    TEST_CASE("failures: an event that waits for its retry holds no job") {
        Pipeline pipeline;
        pipeline.start(running("[ $1 -gt 5 ]", {"--backoff", "10m", "--backoff-max", "10m"}));
        pipeline.enqueue_all(numbers(1, 30));
        CHECK(await_records(pipeline, "processed ", 25));
        CHECK(await_records(pipeline, "failed ", 5));
        CHECK(pipeline.stop() == 124);
        check_account(pipeline);
        CHECK(summed(pipeline, "left") == 5);
    }

    TEST_CASE("failures: a run that takes too long gets TERM, and its whole group") {
        Pipeline pipeline;
        pipeline.start(running("sleep 600 & trap 'echo term >&2; exit 0' TERM; sleep 601 & wait",
                               {"--timeout", "2s", "--retries", "0"}));
        pipeline.enqueue_all("x\n");
        CHECK(pipeline.await_record("dead id=1 attempt=1 reason=\"timeout after 2s\""));
        CHECK(await([&] { return strangers(pipeline) == ""; }));
        CHECK(contains(pipeline.errors(), "consumer[1]: term\n"));
        CHECK(pipeline.stop() == 65);
    }

    TEST_CASE("failures: a run that does not heed TERM, or is stopped, gets KILL a second later") {
        for (const std::string command : {"trap '' TERM; sleep 600; sleep 601", "kill -STOP $$"}) {
            CAPTURE(command);
            Pipeline pipeline;
            pipeline.start(
                running("echo begun >&2; " + command, {"--timeout", "1s", "--retries", "0"}));
            const Stopwatch watch;
            pipeline.enqueue_all("x\n");
            REQUIRE(pipeline.await_record("dead id=1 attempt=1 reason=\"timeout after 1s\""));
            CHECK(watch.elapsed() >= 2s);
            CHECK(watch.elapsed() < 2s + kAtOnce);
            CHECK(await([&] { return strangers(pipeline) == ""; }));
            CHECK(pipeline.stop() == 65);
        }
    }

    TEST_CASE(
        "failures: a kill between dead letter and commit leaves one letter, and no other try") {
        Pipeline pipeline;
        const auto file = (pipeline.log_dir() / "dead.ndjson").string();
        // It writes the letter that its consumer would have, and kills that.
        pipeline.start(
            running(R"(echo "{\"id\":1,\"run\":\"$DRAINPIPE_RUN\",\"time\":\"t\",\"attempts\":1,)"
                    R"(\"reason\":\"r\",\"payload\":\"x\"}" >>)" +
                        file + "; kill -9 $PPID",
                    {}));
        pipeline.enqueue_all("x\n");
        CHECK(pipeline.await_record(
            "dead id=1 attempt=1 reason=\"its dead letter was written before\" payload=x"));
        CHECK(pipeline.stop() == 65);
        CHECK(std::ranges::count(read_text(file), '\n') == 1);
        CHECK(summed(pipeline, "dead") == 1);
        CHECK(pipeline.log().starting("child exited role=consumer").size() == 2);
    }

    TEST_CASE("failures: dead letters that can't be read do not end who takes an event over") {
        Pipeline pipeline;
        std::filesystem::create_directories(pipeline.log_dir() / "dead.ndjson");
        pipeline.start(running("[ $DRAINPIPE_ATTEMPT -gt 1 ] || kill -9 $PPID", {}));
        pipeline.enqueue_all("x\n");
        CHECK(pipeline.await_record("processed id=1 attempt=2 "));
        CHECK(contains(pipeline.errors(), "cannot read dead letters"));
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.log().starting("child exited role=consumer").size() == 2);
    }

    TEST_CASE("failures: a batch that fails comes again one by one, and only the bad one is dead") {
        for (const std::string status : {"3", "65"}) {
            for (const std::string retries : {"0", "2"}) {
                CAPTURE(status);
                CAPTURE(retries);
                Pipeline pipeline;
                pipeline.start(running("all=$(cat); case $all in *bad*) exit " + status +
                                           " ;; esac; echo $all ${1-unset}",
                                       {"--batch", "4", "--batch-wait", "10m", "--backoff", "1ms",
                                        "--retries", retries}));
                pipeline.enqueue_all("a\nb\nbad\nc\nd\ne\nf\ng\n");
                CHECK(await_records(pipeline, "processed ", 7));
                CHECK(await_records(pipeline, "dead ", 1));
                CHECK(pipeline.stop() == 65);
                auto counts = line_counts(pipeline.output());
                CHECK(counts.size() == 4);
                for (const std::string line : {"a a", "b b", "c c", "d e f g unset"}) {
                    CHECK(counts[line] == 1);
                }
                CHECK(contains(dead_letters(pipeline), "\"payload\":\"bad\""));
                CHECK(is_one_line(dead_letters(pipeline)));
                check_account(pipeline);
            }
        }
    }

    TEST_CASE("failures: of each key the events are done in order, whatever fails or dies") {
        Random random("failures: order of keys");
        Pipeline pipeline;
        pipeline.start(
            running("[ $((($DRAINPIPE_ID + $DRAINPIPE_ATTEMPT * 7) % 5)) != 0 ] && echo "
                    "\"$1\"",
                    {"--partition-by", "1", "--jobs", "8", "--consumers", "2", "--backoff", "20ms",
                     "--retries", "50"}));
        constexpr int kEvents = 300;
        std::string lines;
        for (int number = 1; number <= kEvents; ++number) {
            lines += "key" + std::to_string(number % 11) + " " + std::to_string(number) + "\n";
        }
        pipeline.enqueue_all(lines);
        for (int round = 0; round < 4; ++round) {
            const auto done = pipeline.log().starting("processed ").size();
            if (!await([&] { return pipeline.log().starting("processed ").size() > done + 20; })) {
                break;
            }
            let_pass(random.moment(20ms));
            if (const auto victim = pipeline.consumer(1 + round % 2)) ::kill(*victim, SIGKILL);
        }
        const auto all_are_done = [&] {
            const auto output = pipeline.output();
            return line_counts(output).size() == kEvents;
        };
        CHECK(await(all_are_done, 40s));
        CHECK(pipeline.stop() == 0);
        check_account(pipeline);
        std::map<std::string, int> last;
        const auto output = pipeline.output();
        for (const auto line : lines_of(output)) {
            const auto space = line.find(' ');
            REQUIRE(space != std::string_view::npos);
            const int number = std::stoi(std::string(line.substr(space + 1)));
            int& before = last[std::string(line.substr(0, space))];
            CAPTURE(line);
            CHECK(number >= before);  // again only what a dead consumer had not committed
            before = number;
        }
        CHECK(dead_letters(pipeline) == "");
    }

    TEST_CASE("failures: a retry that waits outlives its consumer, with its count and its time") {
        Pipeline pipeline;
        pipeline.start(running("[ $DRAINPIPE_ATTEMPT = 2 ]", {"--backoff", "3s"}));
        pipeline.enqueue_all("x\n");
        REQUIRE(pipeline.await_record("failed id=1 attempt=1 "));
        const auto consumer = pipeline.stage("consumer");
        REQUIRE(consumer.has_value());
        ::kill(*consumer, SIGKILL);
        REQUIRE(pipeline.await_record("processed id=1 attempt=2 "));
        const auto log = pipeline.log();
        const auto failed = log.starting("failed ").front();
        CHECK(seconds_between(failed, log.starting("processed ").front()) >=
              retry_in(failed) - 0.005);
        CHECK(pipeline.stop() == 0);
        CHECK(summed(pipeline, "retried") == 1);
        CHECK(summed(pipeline, "redelivered") == 0);
    }

    TEST_CASE("failures: what kills its consumer is dead after as many deaths as it has tries") {
        Pipeline pipeline;
        pipeline.start(running("[ $1 != poison ] || kill -9 $PPID", {"--retries", "2"}));
        pipeline.enqueue_all("one\npoison\ntwo\n");
        REQUIRE(pipeline.await_record(
            "dead id=2 attempt=3 reason=\"its consumer died\" payload=poison"));
        CHECK(await_records(pipeline, "processed ", 2));
        CHECK(pipeline.stop() == 65);
        CHECK(contains(dead_letters(pipeline), R"("attempts":3,"reason":"its consumer died")"));
        CHECK(is_one_line(dead_letters(pipeline)));
        CHECK(summed(pipeline, "redelivered") == 3);
        check_account(pipeline);
    }

    TEST_CASE("failures: a batch with one that kills its consumer loses that one alone") {
        Pipeline pipeline;
        pipeline.start(running("case $(cat) in *poison*) kill -9 $PPID ;; esac",
                               {"--batch", "4", "--batch-wait", "10m", "--retries", "1"}));
        pipeline.enqueue_all("one\npoison\ntwo\nthree\n");
        REQUIRE(pipeline.await_record("dead id=2 attempt=2 reason=\"its consumer died\""));
        CHECK(await_records(pipeline, "processed ", 3));
        CHECK(pipeline.stop() == 65);
        check_account(pipeline);
    }

    TEST_CASE("failures: a ring full of events that wait for a retry says so") {
        Pipeline pipeline;
        pipeline.start(running("[ $DRAINPIPE_ATTEMPT != 1 ]",
                               {"--capacity", "4", "--backoff", "10m", "--backoff-max", "10m"}));
        auto client = pipeline.enqueue(30);
        CHECK(await([&] {
            return contains(pipeline.errors(), "oldest_event=1 ") &&
                   contains(pipeline.errors(), ": it has failed and is being retried");
        }));
        CHECK(pipeline.await_record("ring full for="));
        CHECK(pipeline.stop() == 0);  // each has one more try
        CHECK(client.wait() == 75);
        check_account(pipeline);
        CHECK(summed(pipeline, "accepted") == accepted_by(client.output()));
    }

    TEST_CASE("failures: a stop lets commands end, and cuts pauses short for one more try") {
        Pipeline pipeline;
        const Flags flags = running(
            "case $1 in slow) sleep 1 ;; second) [ $DRAINPIPE_ATTEMPT = 2 ] ;; never) false ;; "
            "esac",
            {"--jobs", "4", "--backoff", "10m", "--backoff-max", "10m", "--grace", "20s",
             "--retries", "9"});
        pipeline.start(flags);
        pipeline.enqueue_all("second\nnever\nslow\nquick\n");
        REQUIRE(await_records(pipeline, "failed ", 2));
        REQUIRE(await_records(pipeline, "processed ", 1));
        const Stopwatch watch;
        CHECK(pipeline.stop() == 124);
        CHECK(watch.elapsed() < 15s);
        check_account(pipeline);
        CHECK(summed(pipeline, "left") == 1);
        CHECK(!pipeline.log().first("emptied id=3 took=").empty());
        CHECK(!pipeline.log().first("emptied id=1 attempt=2 ").empty());
        const auto log = pipeline.log();
        const auto last = log.starting("failed id=2 attempt=2 ");
        REQUIRE(last.size() == 1);
        CHECK(!value_of(last.front().message, "retry_in").has_value());
        CHECK(log.starting("failed ").size() == 3);
        pipeline.start(flags);
        REQUIRE(pipeline.await_record("recovered events=1"));
        REQUIRE(pipeline.stop() == 124);
        REQUIRE(pipeline.await_record("failed id=2 attempt=3 "));
        CHECK(pipeline.log().starting("failed ").size() == 1);
    }

    TEST_CASE("failures: with several consumers an event has one more try in a stop, too") {
        Pipeline pipeline;
        pipeline.start(running("false", {"--consumers", "3", "--backoff", "10m", "--backoff-max",
                                         "10m", "--retries", "9"}));
        pipeline.enqueue_all(numbers(1, 20));
        REQUIRE(await_records(pipeline, "failed ", 20));
        CHECK(pipeline.stop() == 124);
        CHECK(pipeline.log().starting("failed ").size() == 40);
        CHECK(summed(pipeline, "left") == 20);
        check_account(pipeline);
    }

    TEST_CASE("failures: with keys, what waits behind a retry is left with it, at once") {
        Pipeline pipeline;
        const Flags flags =
            running("[ \"$1\" != 'a 1' ]", {"--partition-by", "1", "--jobs", "4", "--backoff",
                                            "10m", "--backoff-max", "10m", "--grace", "20s"});
        pipeline.start(flags);
        pipeline.enqueue_all("a 1\na 2\nb 3\na 4\n");
        REQUIRE(await_records(pipeline, "failed ", 1));
        REQUIRE(await_records(pipeline, "processed ", 1));
        const Stopwatch watch;
        CHECK(pipeline.stop() == 124);
        CHECK(watch.elapsed() < 15s);
        CHECK(summed(pipeline, "left") == 3);
        pipeline.start(running("echo \"$1\"", {"--partition-by", "1"}));
        CHECK(pipeline.stop() == 0);  // the pause goes on, and the stop cuts it short
        CHECK(pipeline.output() == "a 1\na 2\na 4\n");
        CHECK(contains(read_text(pipeline.log_file()), " id=1 attempt=3 took="));
    }

    TEST_CASE("failures: something left outweighs something dead, and that what is done") {
        Pipeline pipeline;
        pipeline.start(running("exit $1", {"--backoff", "10m", "--backoff-max", "10m"}));
        pipeline.enqueue_all("65\n1\n0\n");
        REQUIRE(await_records(pipeline, "dead ", 1));
        REQUIRE(await_records(pipeline, "processed ", 1));
        CHECK(pipeline.stop() == 124);
        check_account(pipeline);
        CHECK(summed(pipeline, "dead") == 1);
        CHECK(summed(pipeline, "left") == 1);
    }

    TEST_CASE("failures: fewer retries than an event has had make it dead, and say why") {
        Pipeline pipeline;
        const Flags slow{"--backoff", "10m", "--backoff-max", "10m"};
        pipeline.start(running("false", slow));
        pipeline.enqueue_all("x\n");
        REQUIRE(await_records(pipeline, "failed ", 1));
        CHECK(pipeline.stop() == 124);
        pipeline.start(running("false", {"--retries", "0"}));
        CHECK(pipeline.stop() == 65);
        CHECK(contains(pipeline.log().first("dead id=1 attempt=2 "), "\"no tries are left\""));
    }

    TEST_CASE("failures: the deadline ends commands, and all that they hide, in any session") {
        Pipeline pipeline;
        pipeline.start(running(kHidesEverywhere, {"--grace", "1s", "--jobs", "2"}));
        pipeline.enqueue_all("x\ny\n");
        REQUIRE(await([&] { return count_sleepers(pipeline) >= 14; }));
        CHECK(pipeline.stop() == 124);
        CHECK(strangers(pipeline) == "");
        check_account(pipeline);
        CHECK(summed(pipeline, "left") == 2);
    }

    TEST_CASE("failures: a second signal ends commands, and all that they hide, at once") {
        Pipeline pipeline;
        pipeline.start(running(kHidesEverywhere, {"--grace", "10m"}));
        pipeline.enqueue_all("x\n");
        REQUIRE(await([&] { return count_sleepers(pipeline) >= 7; }));
        pipeline.launcher().send(SIGTERM);
        REQUIRE(pipeline.await_record("terminating "));
        CHECK(pipeline.stop(SIGQUIT) == 124);
        CHECK(strangers(pipeline) == "");
    }

    TEST_CASE("failures: a consumer that is killed takes all along that its commands hide") {
        for (int round = 0; round < 5; ++round) {
            Pipeline pipeline;
            pipeline.start(running("[ $DRAINPIPE_ATTEMPT = 1 ] || exit 0; " + kHidesEverywhere,
                                   {"--jobs", "2"}));
            pipeline.enqueue_all("x\ny\n");
            REQUIRE(await([&] { return count_sleepers(pipeline) >= 14; }));
            const auto consumer = pipeline.stage("consumer");
            REQUIRE(consumer.has_value());
            ::kill(*consumer, SIGKILL);
            CHECK(await_records(pipeline, "processed ", 2));
            CHECK(await([&] { return strangers(pipeline) == ""; }));
            CHECK(pipeline.stop() == 0);
            CHECK(summed(pipeline, "redelivered") == 2);
            CHECK(summed(pipeline, "retried") == 0);
        }
    }

    TEST_CASE("failures: launcher and consumer killed at once end what they started themselves") {
        Pipeline pipeline;
        pipeline.start(running("sleep 600"));
        pipeline.enqueue_all("x\n");
        REQUIRE(await([&] { return count_sleepers(pipeline) == 1; }));
        pipeline.kill_all();
        CHECK(await([&] { return strangers(pipeline) == ""; }));
        pipeline.start(running("[ $DRAINPIPE_ATTEMPT = 2 ]"));
        CHECK(pipeline.await_record("processed id=1 attempt=2 "));
        CHECK(pipeline.stop() == 0);
    }

    TEST_CASE("failures: an event is not given up before its letter is written: a full disk") {
        Pipeline pipeline;
        std::filesystem::create_directories(pipeline.log_dir());
        const auto command =
            with_tmpfs(pipeline.launcher_command(running("exit 65", {"--grace", "2s"})),
                       pipeline.log_dir(), "64k");
        if (!command) return;
        pipeline.launch(*command);
        REQUIRE(await([&] { return contains(pipeline.errors(), "ready "); }));
        const auto inside = std::filesystem::path("/proc") /
                            std::to_string(pipeline.launcher().pid()) / "root" /
                            pipeline.log_dir().relative_path();
        {
            std::ofstream filler(inside / "filler", std::ios::binary);
            for (int page = 0; page < 64; ++page) filler << std::string(4096, 'x') << std::flush;
        }
        pipeline.enqueue_all("x\n");
        REQUIRE(await([&] { return contains(pipeline.errors(), "cannot write dead letters: "); }));
        CHECK(lines_of(read_text(inside / "dead.ndjson")).empty());
        std::filesystem::remove(inside / "filler");
        REQUIRE(await([&] { return is_one_line(read_text(inside / "dead.ndjson")); }));
        const int code = pipeline.stop();
        CHECK((code == 65 || code == 74));  // the log may have lost lines to the same disk
        CHECK(contains(pipeline.errors(), " dead=1 "));
        CHECK(contains(pipeline.errors(), " left=0 "));
    }

    TEST_CASE("failures: a stop with letters that can't be written leaves their events") {
        Pipeline pipeline;
        std::filesystem::create_directories(pipeline.log_dir() / "dead.ndjson");
        pipeline.start(running("exit 65", {"--grace", "1s"}));
        pipeline.enqueue_all("x\n");
        REQUIRE(await([&] { return contains(pipeline.errors(), "cannot write dead letters: "); }));
        CHECK(pipeline.stop() == 124);
        CHECK(summed(pipeline, "left") == 1);
        CHECK(summed(pipeline, "dead") == 0);
        std::filesystem::remove(pipeline.log_dir() / "dead.ndjson");
        pipeline.start(running("exit 65"));
        CHECK(pipeline.await_record("dead id=1 attempt=2 "));
        CHECK(pipeline.stop() == 65);
        CHECK(is_one_line(dead_letters(pipeline)));
    }
}

}  // namespace
