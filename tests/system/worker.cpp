// Workers: processes that are kept, get a line for each event and answer with one.

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

#include "harness/audit.hpp"
#include "harness/expect.hpp"
#include "harness/pipeline.hpp"
#include "harness/process_table.hpp"
#include "harness/random.hpp"

using namespace harness;
using namespace std::chrono_literals;

namespace {

// What the workers below share: lines as bytes, answers at once, and files in DIRECTORY.
constexpr std::string_view kPrologue = R"(#!/usr/bin/python3
import os, select, signal, subprocess, sys, time

def events():
    for line in sys.stdin.buffer:
        number, attempt, payload = line[:-1].split(b' ', 2)
        yield int(number), int(attempt), payload

def answer(*words):
    line = b' '.join(w if isinstance(w, bytes) else str(w).encode() for w in words)
    sys.stdout.buffer.write(line + b'\n')

def note(name, *words):
    with open('DIRECTORY/' + name, 'ab', buffering=0) as file:
        file.write(b' '.join(w if isinstance(w, bytes) else str(w).encode() for w in words) + b'\n')

def is_first(name):
    try:
        os.close(os.open('DIRECTORY/' + name, os.O_CREAT | os.O_EXCL))
        return True
    except FileExistsError:
        return False

)";

// Writes the worker and returns the command that starts it.
std::string worker(const Pipeline& pipeline, std::string_view body,
                   std::string_view prologue = kPrologue) {
    std::string text = std::string(prologue) + std::string(body);
    for (std::size_t at = 0; (at = text.find("DIRECTORY", at)) != std::string::npos;) {
        text.replace(at, 9, pipeline.directory().string());
    }
    const auto path = pipeline.directory() / "worker";
    write_script(path, text);
    return path.string();
}

constexpr std::string_view kEcho = R"(
for number, attempt, payload in events():
    answer('ok', number, payload)
)";

std::string noted(const Pipeline& pipeline, std::string_view name) {
    return read_text(pipeline.directory() / name);
}

std::uint64_t lines_noted(const Pipeline& pipeline, std::string_view name) {
    return static_cast<std::uint64_t>(std::ranges::count(noted(pipeline, name), '\n'));
}

bool await_noted(const Pipeline& pipeline, std::string_view name, std::uint64_t lines = 1) {
    return await([&] { return lines_noted(pipeline, name) >= lines; });
}

Flags flags_of(const std::string& command, const Flags& more = {}) {
    Flags flags{"--worker", command, "--backoff", "10ms"};
    flags.insert(flags.end(), more.begin(), more.end());
    return flags;
}

std::uint64_t count_of(const RecordLog& log, std::string_view words) {
    return log.starting(words).size();
}

// What is wrong with the account of a first run, in words.
std::string fault_of_account(const RecordLog& log) {
    const auto summary = log.first("summary ");
    const auto number = [&](std::string_view key) { return number_of(summary, key).value_or(0); };
    const auto sum = number("processed") + number("emptied") + number("drained") + number("dead") +
                     number("left");
    if (summary.empty() || number("accepted") != sum) return "wrong: " + std::string(summary);
    return log.fault();
}

// The processes that were started as the worker, directly or by a shell.
std::vector<pid_t> workers_of(const Pipeline& pipeline) {
    std::vector<pid_t> found;
    for (const pid_t pid : processes_marked(pipeline.name())) {
        const auto words = read_text("/proc/" + std::to_string(pid) + "/cmdline");
        const bool is_it = contains(words, (pipeline.directory() / "worker").string());
        if (is_it && program_of(pid) != "launcher") found.push_back(pid);
    }
    return found;
}

// The worker misbehaves in its first life, with events 1 to 3 out, and echoes in its second.
std::string broken_once(const Pipeline& pipeline, const std::string& misbehaviour) {
    return worker(pipeline, R"(
if is_first('broken'):
    for number, attempt, payload in events():
        if number == 3:
            break
)" + misbehaviour + std::string(kEcho));
}

struct Break {
    std::string misbehaviour;
    std::string reason;          // of the events that were out
    std::string shown;           // in the log, besides
    std::uint64_t answered = 0;  // events, the first ones, before that
};

// All three events are done in the end: those that were out have failed once with this reason, the
// log shows why, and a new worker has done them.
void check_broken(const Break& broken) {
    CAPTURE(broken.misbehaviour);
    Pipeline pipeline;
    pipeline.start(flags_of(broken_once(pipeline, broken.misbehaviour), {"--grace", "20s"}));
    CHECK(pipeline.enqueue_all(numbers(1, 3)) == 3);
    CHECK(await([&] { return count_of(pipeline.log(), "processed ") == 3; }));
    CHECK(pipeline.stop() == 0);
    const RecordLog log = pipeline.log();
    INFO("standard error: ", pipeline.errors());
    for (std::uint64_t id = 1; id <= 3; ++id) {
        const auto failed = log.first("failed id=" + std::to_string(id) + " ");
        if (id <= broken.answered) {
            CHECK(failed == "");
        } else {
            CHECK(failed.starts_with("failed id=" + std::to_string(id) + " attempt=1 reason=\"" +
                                     broken.reason));
            CHECK(contains(failed, " retry_in="));
            CHECK(contains(failed, " payload=" + std::to_string(id)));
        }
    }
    CHECK(count_of(log, "failed ") == 3 - broken.answered);
    const bool is_shown = std::ranges::any_of(log.records(), [&](const Record& record) {
        return contains(record.message, "worker[1]") && contains(record.message, broken.shown);
    });
    CHECK(is_shown);
    CHECK(contains(pipeline.errors(), broken.shown));
    CHECK(fault_of_account(log) == "");
    CHECK(pipeline.leftovers() == "");
}

TEST_SUITE("worker") {
    TEST_CASE("worker: it gets a line for each event, and its texts are the output") {
        Pipeline pipeline;
        pipeline.start(flags_of(worker(pipeline, R"(
for number, attempt, payload in events():
    note('seen', number, attempt, payload)
    answer('ok', number, b'<' + payload + b'>')
)")));
        const std::string awkward = "\xc3\xa9\xff\r \x01";
        CHECK(pipeline.enqueue_all("the payload\n\n  two  spaces \n" + awkward + "\n") == 4);
        CHECK(pipeline.await_output(4));
        CHECK(pipeline.stop() == 0);
        CHECK(noted(pipeline, "seen") ==
              "1 1 the payload\n2 1 \n3 1   two  spaces \n4 1 " + awkward + "\n");
        CHECK(pipeline.output() == "<the payload>\n<>\n<  two  spaces >\n<" + awkward + ">\n");
        const RecordLog log = pipeline.log();
        const auto record = log.first("processed id=1 ");
        CHECK(record.starts_with("processed id=1 took="));
        CHECK(record.ends_with("s payload=the payload"));
        CHECK(fault_of_account(log) == "");
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("worker: each answer means what the table says, with a text and without") {
        Pipeline pipeline;
        pipeline.start(flags_of(worker(pipeline, R"(
for number, attempt, payload in events():
    answer(payload.replace(b'ID', str(number).encode()))
)"),
                                {"--retries", "1"}));
        CHECK(pipeline.enqueue_all("ok ID\nok ID some \"text\" \nretry ID\nretry ID not \"now\"\n"
                                   "dead ID\ndead ID never that\nok ID \n") == 7);
        CHECK(await([&] { return count_of(pipeline.log(), "dead ") == 4; }));
        CHECK(pipeline.stop() == 65);
        CHECK(pipeline.output() == "some \"text\" \n\n");
        const RecordLog log = pipeline.log();
        CHECK(count_of(log, "processed ") == 3);
        CHECK(log.first("failed id=3 ").starts_with("failed id=3 attempt=1 reason=\"\" retry_in="));
        CHECK(log.first("failed id=4 ")
                  .starts_with(R"(failed id=4 attempt=1 reason="not \"now\"" retry_in=)"));
        CHECK(log.first("dead id=4 ") ==
              R"(dead id=4 attempt=2 reason="not \"now\"" payload=retry ID not "now")");
        CHECK(log.first("dead id=5 ") == R"(dead id=5 attempt=1 reason="" payload=dead ID)");
        CHECK(log.first("dead id=6 ") ==
              R"(dead id=6 attempt=1 reason="never that" payload=dead ID never that)");
        CHECK(count_of(log, "failed ") == 2);
        const auto letters = read_text(pipeline.log_dir() / "dead.ndjson");
        CHECK(std::ranges::count(letters, '\n') == 4);
        CHECK(contains(letters, R"("attempts":1,"reason":"never that","payload":)"));
        CHECK(number_of(log.first("summary "), "dead") == 4);
        CHECK(fault_of_account(log) == "");
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("worker: a text is in nobody's log") {
        Pipeline pipeline;
        pipeline.start(flags_of(worker(pipeline, R"(
for number, attempt, payload in events():
    answer('ok', number, 'a secret')
)")));
        CHECK(pipeline.enqueue_all("one\n") == 1);
        CHECK(pipeline.await_output(1));
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.output() == "a secret\n");
        CHECK_FALSE(contains(read_text(pipeline.log_file()), "a secret"));
        CHECK_FALSE(contains(pipeline.errors(), "a secret"));
    }

    TEST_CASE("worker: answers come in any order") {
        Pipeline pipeline;
        pipeline.start(flags_of(worker(pipeline, R"(
held = []
for number, attempt, payload in events():
    held.append(number)
    if len(held) == 100:
        for each in reversed(held):
            answer('ok', each, each)
        held = []
)"),
                                {"--window", "100"}));
        CHECK(pipeline.enqueue_all(numbers(1, 100)) == 100);
        CHECK(pipeline.await_output(100));
        CHECK(pipeline.stop() == 0);
        std::string reversed;
        for (int id = 100; id >= 1; --id) reversed += std::to_string(id) + "\n";
        CHECK(pipeline.output() == reversed);
        CHECK(fault_of_account(pipeline.log()) == "");
    }

    TEST_CASE("worker: no more than the window is unanswered at a time, and as much as that") {
        for (const int window : {1, 7}) {
            CAPTURE(window);
            Pipeline pipeline;
            pipeline.start(flags_of(worker(pipeline, R"(
out = most = 0
held = b''
while True:
    while select.select([0], [], [], 0.02)[0]:
        block = os.read(0, 1 << 16)
        if not block:
            note('most', most)
            sys.exit(0)
        held += block
    lines = held.split(b'\n')
    most = max(most, len(lines) - 1)
    if len(lines) > 1:
        answer('ok', lines[0].split()[0])
        held = b'\n'.join(lines[1:])
)"),
                                    {"--window", std::to_string(window)}));
            CHECK(pipeline.enqueue_all(numbers(1, 40)) == 40);
            CHECK(await([&] { return count_of(pipeline.log(), "processed ") == 40; }));
            CHECK(pipeline.stop() == 0);
            CHECK(noted(pipeline, "most") == std::to_string(window) + "\n");
        }
    }

    TEST_CASE("worker: --jobs N keeps N of them, numbered, and all have work") {
        Pipeline pipeline;
        pipeline.start(flags_of(worker(pipeline, R"(
me = os.environ['DRAINPIPE_WORKER']
note('started', me)
for number, attempt, payload in events():
    note('did', me)
    time.sleep(0.002)
    answer('ok', number)
)"),
                                {"--jobs", "3", "--window", "1"}));
        CHECK(await_noted(pipeline, "started", 3));
        CHECK(workers_of(pipeline).size() == 3);
        CHECK(pipeline.enqueue_all(numbers(1, 100)) == 100);
        CHECK(await([&] { return count_of(pipeline.log(), "processed ") == 100; }));
        CHECK(pipeline.stop() == 0);
        CHECK(line_counts(noted(pipeline, "started")) ==
              std::map<std::string, int>{{"1", 1}, {"2", 1}, {"3", 1}});
        CHECK(line_counts(noted(pipeline, "did")).size() == 3);
        CHECK(fault_of_account(pipeline.log()) == "");
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("worker: its environment names the pipeline, the run and the worker") {
        Pipeline pipeline;
        pipeline.start(flags_of(worker(pipeline,
                                       "#!/bin/sh\n"
                                       "echo \"$DRAINPIPE_NAME $DRAINPIPE_RUN $DRAINPIPE_WORKER "
                                       "$PYTHONUNBUFFERED\" >> DIRECTORY/environment\n"
                                       "cat > /dev/null\n",
                                       "")));
        CHECK(await_noted(pipeline, "environment"));
        const RecordLog log = pipeline.log();
        const auto run = value_of(log.first("ready "), "run");
        REQUIRE(run.has_value());
        CHECK(run->size() >= 8);
        CHECK(noted(pipeline, "environment") ==
              pipeline.name() + " " + std::string(*run) + " 1 1\n");
        CHECK(pipeline.stop() == 0);
    }

    TEST_CASE("worker: a few lines of Python need no flush, with a window of one") {
        Pipeline pipeline;
        pipeline.start(flags_of(worker(pipeline, R"(#!/usr/bin/python3
import sys
for line in sys.stdin:
    number, attempt, payload = line.rstrip("\n").split(" ", 2)
    print("ok", number, payload.upper())
)",
                                       ""),
                                {"--window", "1"}));
        CHECK(pipeline.enqueue_all("one\ntwo\nthree\n") == 3);
        CHECK(pipeline.await_output(3));
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.output() == "ONE\nTWO\nTHREE\n");
    }

    TEST_CASE("worker: a command with signs of the shell's is run by one") {
        Pipeline pipeline;
        pipeline.start(
            flags_of("while read -r id attempt payload; do echo \"ok $id $payload!\"; "
                     "done"));
        CHECK(pipeline.enqueue_all(numbers(1, 50)) == 50);
        CHECK(pipeline.await_output(50));
        CHECK(pipeline.stop() == 0);
        CHECK(contains(pipeline.output(), "\n50!\n"));
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("worker: a line that is no answer ends it, and a new one goes on") {
        for (const std::string line :
             {"hello there", "", "ok", "okay 1", "ok x", "ok 1x", "ok 18446744073709551616",
              "{\\\"id\\\":1,\\\"result\\\":\\\"ok\\\"}"}) {
            std::string shown = line;
            std::erase(shown, '\\');
            check_broken({.misbehaviour = "    answer(\"" + line + "\")\n    time.sleep(60)\n",
                          .reason = "protocol error: not an answer",
                          .shown = ": " + shown});
        }
    }

    TEST_CASE("worker: what it wrote wrong is shown escaped and cut") {
        check_broken(
            {.misbehaviour = "    answer('a\\x1b[2Jb' + 'c' * 10000)\n    time.sleep(60)\n",
             .reason = "protocol error: not an answer",
             .shown = ": a\\x1b[2Jbccc"});
    }

    TEST_CASE("worker: an answer for an event that is not out, or not any more, ends it") {
        check_broken({.misbehaviour = "    answer('ok 99')\n    time.sleep(60)\n",
                      .reason = "protocol error: no such event is out",
                      .shown = ": ok 99"});
        check_broken({.misbehaviour = "    answer('ok 1')\n    answer('ok 1 again')\n"
                                      "    time.sleep(60)\n",
                      .reason = "protocol error: no such event is out",
                      .shown = ": ok 1 again",
                      .answered = 1});
        check_broken({.misbehaviour = "    answer('ok 2')\n    answer('ok 1')\n"
                                      "    answer('retry 2')\n    time.sleep(60)\n",
                      .reason = "protocol error: no such event is out",
                      .shown = ": retry 2",
                      .answered = 2});
    }

    TEST_CASE("worker: an answer of more than 1 MiB ends it, with its newline or without") {
        for (const std::string excess : {"1", "100000"}) {
            for (const std::string end : {"b'\\n'", "b''"}) {
                const std::string size = "(1 << 20) - 5 + " + excess;
                check_broken({.misbehaviour = "    sys.stdout.buffer.write(b'ok 1 ' + b'x' * (" +
                                              size + ") + " + end + ")\n    time.sleep(60)\n",
                              .reason = "protocol error: an answer of more than 1 MiB",
                              .shown = ": ok 1 xxxx"});
            }
        }
    }

    TEST_CASE("worker: an answer of 1 MiB is one") {
        Pipeline pipeline;
        pipeline.start(flags_of(worker(pipeline, R"(
for number, attempt, payload in events():
    answer('ok', number, b'x' * ((1 << 20) - 5))
)")));
        CHECK(pipeline.enqueue_all(numbers(1, 9)) == 9);
        CHECK(pipeline.await_output(9));
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.output().size() == 9 * ((1 << 20) - 4));
        CHECK(count_of(pipeline.log(), "failed ") == 0);
    }

    TEST_CASE("worker: one that closes its standard output or input and goes on is ended") {
        const std::vector<std::pair<std::string, std::string>> ends{
            {"1", "protocol error: it closed its standard output"},
            {"0", "protocol error: it closed its standard input"}};
        for (const auto& [fd, reason] : ends) {
            check_broken({.misbehaviour = "    os.close(" + fd + ")\n    time.sleep(60)\n",
                          .reason = reason,
                          .shown = " is ended: " + reason});
        }
    }

    TEST_CASE(
        "worker: one that closes its input with nothing out is replaced, and costs no processor") {
        Pipeline pipeline;
        pipeline.start(flags_of(worker(pipeline, R"(
if is_first('broken'):
    os.close(0)
    note('closed')
    time.sleep(60)
)" + std::string(kEcho))));
        CHECK(await_noted(pipeline, "closed"));
        const auto consumer = pipeline.stage("consumer");
        REQUIRE(consumer.has_value());
        const auto spent = cpu_time(*consumer);
        const auto before = workers_of(pipeline);
        CHECK(await([&] {
            const auto now = workers_of(pipeline);
            return now.size() == 1 && now != before;
        }));
        CHECK(cpu_time(*consumer) - spent < 200ms);
        CHECK(pipeline.enqueue_all("one\n") == 1);
        CHECK(pipeline.await_output(1));
        CHECK(count_of(pipeline.log(), "failed ") == 0);
        CHECK(pipeline.stop() == 0);
    }

    TEST_CASE("worker: one that ends with events out fails them, with how it ended") {
        check_broken({.misbehaviour = "    sys.exit(0)\n",
                      .reason = "worker exited status=0",
                      .shown = "exited status=0"});
        check_broken({.misbehaviour = "    answer('ok', 2)\n    answer('ok', 1)\n    sys.exit(3)\n",
                      .reason = "worker exited status=3",
                      .shown = "exited status=3",
                      .answered = 2});
        check_broken({.misbehaviour = "    os.kill(os.getpid(), signal.SIGKILL)\n",
                      .reason = "worker exited signal=SIGKILL",
                      .shown = "exited signal=SIGKILL"});
    }

    TEST_CASE("worker: one that ends with nothing out is replaced, and no event fails") {
        Pipeline pipeline;
        pipeline.start(flags_of(worker(pipeline, kEcho)));
        std::vector<pid_t> before;
        for (std::uint64_t id = 1; id <= 4; ++id) {
            CHECK(pipeline.enqueue_all(std::to_string(id) + "\n") == 1);
            CHECK(await([&] { return count_of(pipeline.log(), "processed ") == id; }));
            before = workers_of(pipeline);
            REQUIRE(before.size() == 1);
            ::kill(before.front(), SIGKILL);
            CHECK(await([&] {
                const auto now = workers_of(pipeline);
                return now.size() == 1 && now != before;
            }));
        }
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.output() == numbers(1, 4));
        CHECK(count_of(pipeline.log(), "failed ") == 0);
        CHECK(count_of(pipeline.log(), "child exited role=consumer") == 1);
    }

    TEST_CASE("worker: more than five deaths in 10 s end the consumer, and no event is lost") {
        Pipeline pipeline;
        const std::string fails = worker(pipeline, "#!/bin/sh\nread -r line && exit 3\n", "");
        pipeline.start(flags_of(fails, {"--retries", "250", "--grace", "1s"}));
        CHECK(pipeline.enqueue_all(numbers(1, 10)) == 10);
        CHECK(await([&] {
            const RecordLog log = pipeline.log();
            return contains(log.first("child exited role=consumer "), " status=70");
        }));
        const int code = pipeline.stop();
        CHECK((code == 124 || code == 70));
        INFO("standard error: ", pipeline.errors());
        CHECK(contains(pipeline.errors(), "worker died more than 5 times in 10s"));
        CHECK(contains(pipeline.errors(), fails));
        CHECK(number_of(pipeline.log().first("summary "), "left") == 10);
        CHECK(fault_of_account(pipeline.log()) == "");
        pipeline.start(flags_of(worker(pipeline, kEcho), {"--retries", "250"}));
        CHECK(pipeline.await_output(10));
        CHECK(pipeline.stop() == 0);
        CHECK(line_counts(pipeline.output()) == line_counts(numbers(1, 10)));
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("worker: one that can't be started, or dies at once, ends the pipeline") {
        for (const std::string command : {"/nonexistent/worker", "exit 3"}) {
            CAPTURE(command);
            Pipeline pipeline;
            CHECK(pipeline.launch(flags_of(command)).wait(60s) == 70);
            CHECK(await([&] { return pipeline.leftovers().empty(); }));
        }
    }

    TEST_CASE("worker: one that writes much before it reads on blocks nobody") {
        Pipeline pipeline;
        pipeline.start(flags_of(worker(pipeline, R"(
held = []
for number, attempt, payload in events():
    held.append(number)
    if len(held) == 12:
        for each in held:
            answer('ok', each, b'x' * 900000)
        held = []
)"),
                                {"--buffer-size", "64M"}));
        std::string text;
        for (int event = 0; event < 48; ++event) text += std::string(200'000, 'p') + "\n";
        CHECK(pipeline.enqueue_all(text) == 48);
        CHECK(pipeline.await_output(48));
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.output().size() == 48 * 900'001);
        CHECK(count_of(pipeline.log(), "failed ") == 0);
    }

    TEST_CASE("worker: one that reads thousands before it answers gets them") {
        Pipeline pipeline;
        pipeline.start(flags_of(worker(pipeline, R"(
held = []
for number, attempt, payload in events():
    held.append(number)
    if number % 5000 == 0:
        sys.stdout.buffer.write(b''.join(b'ok %d %d\n' % (each, each) for each in held))
        held = []
)"),
                                {"--window", "5000", "--max-demand", "5000"}));
        CHECK(pipeline.enqueue_all(numbers(1, 10'000)) == 10'000);
        CHECK(pipeline.await_output(10'000));
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.output() == numbers(1, 10'000));
        CHECK(fault_of_account(pipeline.log()) == "");
    }

    TEST_CASE("worker: a flood on its standard error blocks nobody, and is shown by lines") {
        Pipeline pipeline;
        pipeline.start(flags_of(worker(pipeline, R"(
for number, attempt, payload in events():
    for line in range(20000):
        sys.stderr.write('flood %d of %d\n' % (line, number))
    sys.stderr.write('end of %d' % number)
    sys.stderr.flush()
    answer('ok', number)
)")));
        CHECK(pipeline.enqueue_all(numbers(1, 5)) == 5);
        CHECK(await([&] { return count_of(pipeline.log(), "processed ") == 5; }));
        CHECK(pipeline.stop() == 0);
        const auto errors = pipeline.errors();
        CHECK(contains(errors, "\nworker[1]: flood 7 of 1\nworker[1]: flood 8 of 1\n"));
        CHECK(contains(errors, "\nworker[1]: end of 5\n"));
    }

    TEST_CASE("worker: the end of its standard error is in the dead letter") {
        Pipeline pipeline;
        pipeline.start(flags_of(worker(pipeline, R"(
for number, attempt, payload in events():
    sys.stderr.write('it went wrong\n')
    sys.exit(9)
)"),
                                {"--retries", "0"}));
        CHECK(pipeline.enqueue_all("one\n") == 1);
        CHECK(pipeline.await_record("dead id=1 attempt=1 reason=\"worker exited status=9\""));
        CHECK(pipeline.stop() == 65);
        CHECK(contains(read_text(pipeline.log_dir() / "dead.ndjson"),
                       R"("stderr":"it went wrong\n")"));
    }

    TEST_CASE("worker: large payloads and a slow worker cost the consumer no memory") {
        for (const std::string format : {"plain", "json"}) {
            CAPTURE(format);
            Pipeline pipeline;
            pipeline.start(flags_of(worker(pipeline, R"(
import json
for line in sys.stdin.buffer:
    time.sleep(0.02)
    if line[:1] == b'{':
        print(json.dumps({'id': json.loads(line)['id'], 'result': 'ok'}))
    else:
        answer('ok', line.split(b' ', 1)[0])
)"),
                                    {"--buffer-size", "64M", "--worker-format", format}));
            const auto consumer = pipeline.stage("consumer");
            REQUIRE(consumer.has_value());
            const auto before = private_memory(*consumer);
            std::string text;
            for (int event = 0; event < 40; ++event) text += std::string(1 << 20, 'p') + "\n";
            CHECK(pipeline.enqueue_all(text) == 40);
            std::uint64_t most = 0;
            CHECK(await(
                [&] {
                    most = std::max(most, private_memory(*consumer));
                    return count_of(pipeline.log(), "processed ") == 40;
                },
                60s));
            CHECK(most < before + (16U << 20));
            CHECK(pipeline.stop() == 0);
        }
    }

    TEST_CASE("worker: json takes quotes, UTF-8 and bytes that are none, and gives texts") {
        Pipeline pipeline;
        pipeline.start(flags_of(worker(pipeline, R"(
import base64, json
for line in sys.stdin:
    note('seen', line.rstrip('\n'))
    event = json.loads(line)
    if 'payload' in event:
        text = event['payload'] + ' "said"'
    else:
        text = base64.b64decode(event['payload_base64']).hex()
    result = 'dead' if text.startswith('bad') else 'ok'
    print(json.dumps({'id': event['id'], 'result': result, 'text': text}))
)"),
                                {"--worker-format", "json"}));
        CHECK(pipeline.enqueue_all("a \"quoted\" \\ one\n\xc3\xa9\t\x01\n\xff\xfe\n\nbad\n") == 5);
        CHECK(pipeline.await_output(4));
        CHECK(await([&] { return count_of(pipeline.log(), "dead ") == 1; }));
        CHECK(pipeline.stop() == 65);
        CHECK(pipeline.output() ==
              "a \"quoted\" \\ one \"said\"\n\xc3\xa9\t\x01 \"said\"\nfffe\n \"said\"\n");
        CHECK(noted(pipeline, "seen") ==
              R"({"id":1,"attempt":1,"payload":"a \"quoted\" \\ one"})"
              "\n{\"id\":2,\"attempt\":1,\"payload\":\"\xc3\xa9\\t\\u0001\"}\n"
              R"({"id":3,"attempt":1,"payload_base64":"//4="})"
              "\n"
              R"({"id":4,"attempt":1,"payload":""})"
              "\n"
              R"({"id":5,"attempt":1,"payload":"bad"})"
              "\n");
        CHECK(contains(pipeline.log().first("dead id=5 "), R"(reason="bad \"said\"")"));
    }

    TEST_CASE("worker: a plain answer is none in json") {
        Pipeline pipeline;
        pipeline.start(flags_of(worker(pipeline, R"(
if is_first('broken'):
    sys.stdin.readline()
    answer('ok 1')
    time.sleep(60)
for line in sys.stdin:
    print('{"id":1,"result":"ok"}')
)"),
                                {"--worker-format", "json"}));
        CHECK(pipeline.enqueue_all("one\n") == 1);
        CHECK(pipeline.await_record("processed id=1 attempt=2 "));
        CHECK(contains(pipeline.log().first("failed id=1 "), "reason=\"protocol error: "));
        CHECK(pipeline.stop() == 0);
    }
}

// What takes its time.
TEST_SUITE("worker_ends") {
    TEST_CASE("worker: one that is over its time gets a TERM, and a KILL a second later") {
        Pipeline pipeline;
        pipeline.start(flags_of(worker(pipeline, R"(
def on_term(signal_number, frame):
    note('term')
signal.signal(signal.SIGTERM, on_term)
for number, attempt, payload in events():
    if attempt == 1:
        while True:
            signal.pause()
    answer('ok', number, payload)
)"),
                                {"--timeout", "1s"}));
        CHECK(pipeline.enqueue_all("one\n") == 1);
        CHECK(await_noted(pipeline, "term"));
        const Stopwatch watch;
        CHECK(pipeline.await_record("failed id=1 attempt=1 reason=\"timeout after 1s\" "));
        CHECK(watch.elapsed() > 800ms);
        CHECK(pipeline.await_output(1));
        CHECK(pipeline.stop() == 0);
        CHECK(contains(pipeline.log().first("processed id=1 "), " attempt=2 "));
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("worker: a time-out ends one of them, a stopped one too, and others go on") {
        for (const std::string hang : {"time.sleep(60)", "os.kill(os.getpid(), signal.SIGSTOP)"}) {
            CAPTURE(hang);
            Pipeline pipeline;
            pipeline.start(flags_of(worker(pipeline, R"(
for number, attempt, payload in events():
    if payload == b'1' and attempt == 1:
        note('hangs')
        )" + hang + R"(
    answer('ok', number, payload)
)"),
                                    {"--timeout", "3s", "--jobs", "2", "--window", "1"}));
            CHECK(pipeline.enqueue_all("1\n") == 1);
            CHECK(await_noted(pipeline, "hangs"));
            CHECK(pipeline.enqueue_all(numbers(2, 200)) == 199);
            CHECK(pipeline.await_output(200));
            CHECK(pipeline.stop() == 0);
            CHECK(line_counts(pipeline.output()) == line_counts(numbers(1, 200)));
            const RecordLog log = pipeline.log();
            CHECK(count_of(log, "failed ") == 1);
            CHECK(log.first("failed ").starts_with(
                "failed id=1 attempt=1 reason=\"timeout after 3s\" "));
            std::uint64_t before = 0;
            for (const Record& record : log.records()) {
                if (record.message.starts_with("failed ")) break;
                before += record.message.starts_with("processed ") ? 1U : 0U;
            }
            CHECK(before > 1);
            CHECK(pipeline.leftovers() == "");
        }
    }

    TEST_CASE("worker: many time-outs are the events' fault, and end nothing else") {
        Pipeline pipeline;
        pipeline.start(flags_of(worker(pipeline, R"(
for number, attempt, payload in events():
    if payload == b'hang':
        time.sleep(60)
    answer('ok', number, payload)
)"),
                                {"--timeout", "1s", "--window", "1", "--retries", "1"}));
        CHECK(pipeline.enqueue_all("hang\nhang\nhang\nhang\nhang\none\n") == 6);
        CHECK(await([&] { return count_of(pipeline.log(), "dead ") == 5; }));
        CHECK(pipeline.await_output(1));
        CHECK(pipeline.stop() == 65);
        CHECK(count_of(pipeline.log(), "child exited role=consumer") == 1);
        CHECK(fault_of_account(pipeline.log()) == "");
    }

    TEST_CASE(
        "worker: at a stop it gets what is buffered, then its input ends, and it may finish") {
        Pipeline pipeline;
        pipeline.start(flags_of(worker(pipeline, R"(
for number, attempt, payload in events():
    time.sleep(0.001)
    answer('ok', number, payload)
note('end')
time.sleep(1)
sys.stderr.write('all is written')
note('end')
)"),
                                {"--window", "4", "--max-demand", "8", "--grace", "20s"}));
        CHECK(pipeline.enqueue_all(numbers(1, 300)) == 300);
        CHECK(pipeline.await_output(5));
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.output() == numbers(1, 300));
        CHECK(lines_noted(pipeline, "end") == 2);
        CHECK(contains(pipeline.errors(), "worker[1]: all is written\n"));
        const RecordLog log = pipeline.log();
        CHECK(fault_of_account(log) == "");
        CHECK(number_of(log.first("summary "), "drained").value_or(0) > 0);
        CHECK(log.first("drained all") == "drained all");
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("worker: one that dies in the drain is replaced, and its consumer stays for that") {
        Pipeline pipeline;
        pipeline.start(flags_of(worker(pipeline, R"(
for number, attempt, payload in events():
    time.sleep(0.003)
    answer('ok', number, payload)
)"),
                                {"--window", "4", "--grace", "20s"}));
        for (int kill = 0; kill < 3; ++kill) {  // from now on it takes a moment
            std::vector<pid_t> workers;
            REQUIRE(await([&] { return !(workers = workers_of(pipeline)).empty(); }));
            ::kill(workers.front(), SIGKILL);
            CHECK(await([&] { return !is_running(workers.front()); }));
        }
        CHECK(pipeline.enqueue_all(numbers(1, 1000)) == 1000);
        pipeline.launcher().send(SIGTERM);
        CHECK(pipeline.await_record("terminating "));
        CHECK(pipeline.await_output(100));
        const auto workers = workers_of(pipeline);
        REQUIRE(workers.size() == 1);
        ::kill(workers.front(), SIGKILL);
        CHECK(pipeline.launcher().wait() == 0);
        CHECK(line_counts(pipeline.output()) == line_counts(numbers(1, 1000)));
        CHECK(count_of(pipeline.log(), "child exited role=consumer") == 1);
        CHECK(fault_of_account(pipeline.log()) == "");
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("worker: the deadline ends one that stays, and what it hides") {
        Pipeline pipeline;
        pipeline.start(flags_of(worker(pipeline, R"(
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen(['setsid', 'sleep', '300'])
subprocess.Popen(['setsid', 'sh', '-c', 'trap "" TERM; sleep 300; true'])
for number, attempt, payload in events():
    answer('ok', number, payload)
time.sleep(300)
)"),
                                {"--grace", "2s"}));
        CHECK(pipeline.enqueue_all(numbers(1, 10)) == 10);
        CHECK(pipeline.await_output(10));
        const Stopwatch watch;
        CHECK(pipeline.stop() == 0);
        CHECK(watch.elapsed() > 1800ms);
        CHECK(watch.elapsed() < kAtOnce);
        CHECK(await([&] { return pipeline.leftovers().empty(); }));
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("worker: what is unanswered at the deadline is left, and comes again, marked") {
        Pipeline pipeline;
        const Flags flags = flags_of(worker(pipeline, R"(
for number, attempt, payload in events():
    if number > 3 and attempt == 1:
        time.sleep(300)
    answer('ok', number, payload)
)"),
                                     {"--grace", "1s", "--window", "2"});
        pipeline.start(flags);
        CHECK(pipeline.enqueue_all(numbers(1, 10)) == 10);
        CHECK(pipeline.await_output(3));
        CHECK(pipeline.stop() == 124);
        CHECK(pipeline.output() == numbers(1, 3));
        CHECK(number_of(pipeline.log().first("summary "), "left") == 7);
        CHECK(fault_of_account(pipeline.log()) == "");
        CHECK(await([&] { return workers_of(pipeline).empty(); }));
        write_text(pipeline.directory() / "worker",
                   std::string("#!/bin/sh\nwhile read -r id attempt payload; do\n"
                               "echo \"ok $id $payload\"; done\n"));
        pipeline.start(flags);
        CHECK(pipeline.await_output(7));
        CHECK(pipeline.stop() == 0);
        CHECK(line_counts(pipeline.output()) == line_counts(numbers(4, 10)));
        CHECK(contains(pipeline.log().first("processed id=4 "), " attempt=2 "));
        CHECK(contains(pipeline.log().first("processed id=10 "), "processed id=10 took="));
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("worker: what one leaves and has ended is reaped while it goes on") {
        Pipeline pipeline;
        pipeline.start(flags_of(worker(pipeline, R"(
for number, attempt, payload in events():
    child = os.fork()
    if child == 0:
        if os.fork() == 0:
            time.sleep(0.1)
        os._exit(0)
    os.waitpid(child, 0)
    answer('ok', number, payload)
)")));
        CHECK(pipeline.enqueue_all(numbers(1, 20)) == 20);
        CHECK(pipeline.await_output(20));
        const auto consumer = pipeline.stage("consumer").value();
        CHECK(await([&] { return children_of(consumer).size() == 1; }));
        CHECK(workers_of(pipeline) == children_of(consumer));
        CHECK(pipeline.stop() == 0);
    }

    TEST_CASE("worker: what an ended one leaves running is ended with it") {
        for (const std::string end :
             {"answer('garbage')", "sys.exit(3)", "time.sleep(60)", "os.close(1)"}) {
            CAPTURE(end);
            Pipeline pipeline;
            pipeline.start(flags_of(worker(pipeline, R"(
if is_first('broken'):
    sys.stdin.readline()
    subprocess.Popen(['setsid', 'sh', '-c', 'echo $$ > DIRECTORY/hidden; exec sleep 300'])
    while not os.path.exists('DIRECTORY/hidden') or not open('DIRECTORY/hidden').read():
        time.sleep(0.01)
    )" + end + R"(
    time.sleep(60)
)" + std::string(kEcho)),
                                    {"--timeout", "2s"}));
            CHECK(pipeline.enqueue_all("one\n") == 1);
            CHECK(pipeline.await_output(1));
            const auto hidden = static_cast<pid_t>(std::stol(noted(pipeline, "hidden")));
            CHECK(await([&] { return !is_running(hidden); }, 5s));
            CHECK(pipeline.stop() == 0);
            CHECK(pipeline.leftovers() == "");
        }
    }

    TEST_CASE("worker: it dies with its consumer, and what was out comes again, marked") {
        Pipeline pipeline;
        // Both as the consumer's own child and behind a shell.
        for (const std::string tail : {"", "; true"}) {
            CAPTURE(tail);
            pipeline.start(flags_of(worker(pipeline, R"(
for number, attempt, payload in events():
    if attempt == 1:
        note('out', os.getpid())
    else:
        answer('ok', number, payload)
)") + tail));
            const auto consumer = pipeline.stage("consumer");
            REQUIRE(consumer.has_value());
            CHECK(pipeline.enqueue_all(numbers(1, 3)) == 3);
            CHECK(await_noted(pipeline, "out", 3));
            const auto workers = workers_of(pipeline);
            ::kill(*consumer, SIGKILL);
            CHECK(await([&] { return std::ranges::none_of(workers, is_running); }));
            CHECK(pipeline.await_output(3));
            CHECK(pipeline.stop() == 0);
            const RecordLog log = pipeline.log();
            for (const std::string id : {"1", "2", "3"}) {
                CHECK(log.first("processed id=" + id + " ")
                          .starts_with("processed id=" + id + " attempt=2 took="));
            }
            CHECK(log.account().value().redelivered == 3);
            CHECK(fault_of_account(log) == "");
            CHECK(pipeline.leftovers() == "");
            std::filesystem::remove(pipeline.directory() / "out");
        }
    }

    TEST_CASE("worker: killed at any moment, no event is lost, and only what it had is repeated") {
        constexpr std::uint64_t kEvents = 6000;
        Random random("killed workers");
        Pipeline pipeline;
        pipeline.start(flags_of(worker(pipeline, R"(
for number, attempt, payload in events():
    note('begun', number, os.getpid())
    answer('ok', number, payload)
)"),
                                {"--jobs", "4", "--window", "16", "--retries", "250", "--capacity",
                                 "200", "--max-demand", "100"}));
        Process client = pipeline.enqueue(kEvents);
        CHECK(await([&] { return workers_of(pipeline).size() == 4; }));
        std::set<pid_t> killed;
        for (int kill = 0; kill < 16; ++kill) {
            let_pass(random.moment(60ms));
            const auto workers = workers_of(pipeline);
            // The oldest: none of the four places has more deaths than another by two.
            const auto oldest =
                std::ranges::find_if(workers, [&](pid_t pid) { return !killed.contains(pid); });
            if (oldest != workers.end()) {
                killed.insert(*oldest);
                ::kill(*oldest, SIGKILL);
            }
        }
        CHECK(client.wait(60s) == 0);
        CHECK(await([&] { return count_of(pipeline.log(), "processed ") == kEvents; }, 60s));
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.errors().find("died more than") == std::string::npos);
        CHECK(line_counts(pipeline.output()) == line_counts(numbers(1, kEvents)));
        CHECK(fault_of_account(pipeline.log()) == "");
        std::map<std::string, std::vector<pid_t>> begun;
        const auto text = noted(pipeline, "begun");
        for (const auto line : lines_of(text)) {
            const auto space = line.find(' ');
            begun[std::string(line.substr(0, space))].push_back(
                static_cast<pid_t>(std::stol(std::string(line.substr(space + 1)))));
        }
        CHECK(begun.size() == kEvents);
        for (const auto& [id, pids] : begun) {
            CAPTURE(id);
            for (std::size_t at = 0; at + 1 < pids.size(); ++at) CHECK(killed.contains(pids[at]));
        }
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("worker: what is not to be understood is refused") {
        const Pipeline pipeline;
        const std::vector<Flags> refused{
            {"--worker", ""},
            {"--worker", "cat", "--exec", "cat"},
            {"--worker", "cat", "--forward", "other"},
            {"--worker", "cat", "--jobs", "0"},
            {"--worker", "cat", "--jobs", "1025"},
            {"--worker", "cat", "--window", "0"},
            {"--worker", "cat", "--window", "-1"},
            {"--worker", "cat", "--worker-format", "xml"},
            {"--worker", "cat", "--timeout", "soon"},
            {"--worker", "cat", "--retries", "251"},
        };
        for (const Flags& flags : refused) {
            CAPTURE(flags);
            const auto outcome = run(pipeline.launcher_command(flags));
            INFO("standard error: ", outcome.errors);
            CHECK(outcome.code == 64);
            CHECK(is_one_line(outcome.errors));
        }
        CHECK(pipeline.leftovers() == "");
    }
}

}  // namespace
