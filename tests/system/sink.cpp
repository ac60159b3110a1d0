// Results that go to a sink, stages/test_sink, which appends them to a file; and what the
// endpoint's password is not to be seen in.

#include <doctest/doctest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "harness/expect.hpp"
#include "harness/files.hpp"
#include "harness/pipeline.hpp"
#include "harness/process_table.hpp"
#include "harness/random.hpp"

using namespace harness;
using namespace std::chrono_literals;

namespace {

std::filesystem::path results_of(const Pipeline& pipeline) {
    return pipeline.directory() / "results";
}

std::string url_of(const Pipeline& pipeline, const std::string& credentials = "") {
    return "test://" + credentials + "file" + results_of(pipeline).string();
}

Flags with_sink(const Pipeline& pipeline, Flags flags) {
    flags.insert(flags.end(), {"--sink", url_of(pipeline)});
    return flags;
}

// What the file has of each event, by its id within the run; lines of one that came again have to
// agree.
std::map<std::uint64_t, std::string> results_in(const Pipeline& pipeline) {
    const std::string text = read_text(results_of(pipeline));
    std::map<std::uint64_t, std::string> results;
    for (const auto line : lines_of(text)) {
        if (!line.ends_with('$')) {
            continue;  // between two writes, or cut by a kill
        }
        const auto id = line.find('-') + 1;
        const auto space = line.find(' ');
        const std::string result(line.substr(space + 1, line.size() - space - 2));
        const auto [found, is_new] =
            results.emplace(std::stoull(std::string(line.substr(id, space - id))), result);
        CHECK(found->second == result);
    }
    return results;
}

bool await_results(const Pipeline& pipeline, std::size_t count) {
    return await([&] { return results_in(pipeline).size() >= count; });
}

std::string letters_in(const Pipeline& pipeline) {
    return read_text(pipeline.log_dir() / "dead.ndjson");
}

// Where the text can be read of a process, in words.
std::string places_of(pid_t pid, std::string_view text) {
    const auto directory = std::filesystem::path("/proc") / std::to_string(pid);
    std::string places;
    for (const char* const file : {"cmdline", "environ"}) {
        if (contains(read_text(directory / file), text)) {
            places += program_of(pid) + "/" + file + " ";
        }
    }
    return places;
}

// The consumer of that number, of either program.
std::optional<pid_t> consumer_of(const Pipeline& pipeline, unsigned number) {
    const auto mark = "--number=" + std::to_string(number) + '\0';
    for (const auto pid : processes_marked(pipeline.name())) {
        const auto words = read_text("/proc/" + std::to_string(pid) + "/cmdline");
        const bool is_one = program_of(pid) == "test_sink" || program_of(pid) == "consumer";
        if (is_one && words.find(mark) != std::string::npos) return pid;
    }
    return std::nullopt;
}

// The answer of a consumer that is started by hand while its place is free.
Outcome run_in_place(Pipeline& pipeline, const Command& command) {
    freeze(pipeline.launcher().pid());
    ::kill(consumer_of(pipeline, 1).value(), SIGKILL);
    Outcome outcome{};
    CHECK(await([&] {
        outcome = run(command);
        return outcome.code != 75;
    }));
    pipeline.launcher().send(SIGCONT);
    CHECK(await([&] { return consumer_of(pipeline, 1).has_value(); }));
    return outcome;
}

}  // namespace

TEST_SUITE("sink") {
    TEST_CASE("sink: without a work payloads go there, and nothing to standard output") {
        Pipeline pipeline;
        pipeline.start(with_sink(pipeline, {"--consumers", "2"}));
        CHECK(pipeline.enqueue_all(numbers(1, 5000)) == 5000);
        CHECK(await_results(pipeline, 5000));
        CHECK(pipeline.stop() == 0);
        const auto results = results_in(pipeline);
        CHECK(results.size() == 5000);
        for (const auto& [id, result] : results) CHECK(result == std::to_string(id));
        CHECK(pipeline.output() == "");
        CHECK(std::ranges::count(read_text(results_of(pipeline)), '$') == 5000);
        CHECK(pipeline.log().account().value().processed == 5000);
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("sink: what a command writes is the result, else the payload") {
        Pipeline pipeline;
        pipeline.start(with_sink(
            pipeline, {"--jobs", "4", "--exec", "test \"$1\" = b || printf '<%s>' \"$1\""}));
        CHECK(pipeline.enqueue_all("a\nb\nc\n") == 3);
        CHECK(await_results(pipeline, 3));
        CHECK(pipeline.stop() == 0);
        CHECK(results_in(pipeline) ==
              std::map<std::uint64_t, std::string>{{1, "<a>"}, {2, "b"}, {3, "<c>"}});
        CHECK(pipeline.output() == "");
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("sink: a large output is a result, whole") {
        Pipeline pipeline;
        pipeline.start(
            with_sink(pipeline, {"--exec", "head -c 3000000 /dev/zero | tr '\\0' x; cat"}));
        CHECK(pipeline.enqueue_all("end\n") == 1);
        CHECK(await_results(pipeline, 1));
        CHECK(pipeline.stop() == 0);
        CHECK(results_in(pipeline).at(1) == std::string(3'000'000, 'x') + "end");
    }

    TEST_CASE("sink: what a worker answers is the result") {
        Pipeline pipeline;
        pipeline.start(with_sink(
            pipeline, {"--jobs", "2", "--worker",
                       "while read -r id attempt text; do echo \"ok $id got $text\"; done"}));
        CHECK(pipeline.enqueue_all(numbers(1, 100)) == 100);
        CHECK(await_results(pipeline, 100));
        CHECK(pipeline.stop() == 0);
        for (const auto& [id, result] : results_in(pipeline)) {
            CHECK(result == "got " + std::to_string(id));
        }
        CHECK(pipeline.output() == "");
    }

    TEST_CASE("sink: what it refuses is done again as a whole, what it gives up is a dead letter") {
        Pipeline pipeline;
        pipeline.start(with_sink(
            pipeline, {"--backoff", "1ms", "--exec", "echo run >> runs; cat", "--jobs", "2"}));
        CHECK(pipeline.enqueue_all("refuse 2 x\ngive up y\nz\n") == 3);
        CHECK(await_results(pipeline, 2));
        CHECK(await([&] { return !letters_in(pipeline).empty(); }));
        CHECK(pipeline.stop() == 65);
        CHECK(results_in(pipeline) ==
              std::map<std::uint64_t, std::string>{{1, "refuse 2 x"}, {3, "z"}});
        CHECK(contains(letters_in(pipeline), "\"reason\":\"as it was told\""));
        CHECK(contains(letters_in(pipeline), "\"payload\":\"give up y\""));
        const auto log = pipeline.log();
        CHECK(log.starting("failed id=1 ").size() == 2);
    }

    TEST_CASE("sink: payloads that it refuses are tried again without a work, too") {
        Pipeline pipeline;
        pipeline.start(with_sink(pipeline, {"--backoff", "1ms", "--retries", "5"}));
        CHECK(pipeline.enqueue_all("refuse 4 x\n") == 1);
        CHECK(await_results(pipeline, 1));
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.log().starting("failed id=1 ").size() == 4);
    }

    TEST_CASE("sink: no result is lost by kills at random moments") {
        const std::vector<Flags> works = {
            {}, {"--worker", "while read -r id attempt text; do echo \"ok $id $text\"; done"}};
        for (const auto& work : works) {
            CAPTURE(work.empty() ? "payloads" : "a worker");
            constexpr std::uint64_t kEvents = 20'000;
            Pipeline pipeline;
            Flags flags = with_sink(pipeline, {"--consumers", "2", "--retries", "50"});
            flags.insert(flags.end(), work.begin(), work.end());
            pipeline.start(flags);
            auto client = pipeline.enqueue(kEvents);
            Random random("sink");
            int kills = 0;
            for (int kill = 0; kill < 6; ++kill) {
                let_pass(random.moment(60ms));
                if (const auto pid = consumer_of(pipeline, random.between(1U, 2U))) {
                    ::kill(*pid, SIGKILL);
                    ++kills;
                }
            }
            CHECK(kills > 0);
            CHECK(client.wait() == 0);
            CHECK(await_results(pipeline, kEvents));
            CHECK(pipeline.stop() == 0);
            for (const auto& [id, result] : results_in(pipeline)) {
                CHECK(result == std::to_string(id));
            }
            CHECK(letters_in(pipeline) == "");
            CHECK(pipeline.log().account().value().left == 0);
            CHECK(pipeline.leftovers() == "");
        }
    }

    TEST_CASE("sink: one that is killed as a whole goes on with what is not stored") {
        constexpr std::uint64_t kEvents = 20'000;
        Pipeline pipeline;
        const Flags flags = with_sink(pipeline, {"--retries", "50"});
        pipeline.start(flags);
        auto client = pipeline.enqueue(kEvents);
        CHECK(await_results(pipeline, 100));
        pipeline.kill_all();
        static_cast<void>(client.wait());
        const auto accepted = accepted_by(client.output()).value_or(0);
        pipeline.start(flags);
        CHECK(await_results(pipeline, accepted));
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("sink: the password is in no command line, environment, message, log or view") {
        constexpr const char* kSecret = "c0rrect-h0rse";
        for (const std::string way : {"--sink URL", "--sink=URL", "variable", "config file"}) {
            CAPTURE(way);
            Pipeline pipeline;
            const std::string url = url_of(pipeline, std::string("user:") + kSecret + "@");
            Flags flags = {"--consumers",
                           "2",
                           "--http",
                           "127.0.0.1:0",
                           "--exec",
                           "(env; cat /proc/$PPID/environ /proc/$PPID/cmdline) | tr '\\0\\n' '  '"};
            const auto config = pipeline.directory() / "drainpipe.conf";
            if (way == "--sink URL") flags.insert(flags.end(), {"--sink", url});
            if (way == "--sink=URL") flags.push_back("--sink=" + url);
            if (way == "config file") {
                write_text(config, "sink = " + url + "\n");
                flags.insert(flags.end(), {"--config", config});
            }
            Command command = pipeline.launcher_command(flags);
            if (way == "variable") command.environment["DRAINPIPE_SINK"] = url;
            Command view = command;
            pipeline.start(command);
            CHECK(pipeline.enqueue_all("x\n") == 1);
            CHECK(await_results(pipeline, 1));
            for (const auto pid : processes_marked(pipeline.name())) {
                CHECK(places_of(pid, kSecret) == "");
            }
            for (const Flags& words : {Flags{"status"}, Flags{"status", "--json"}}) {
                CHECK_FALSE(contains(run(pipeline.command("launcher", words)).output, kSecret));
            }
            view.words.emplace_back("config");
            const auto settings = run(view);
            CHECK(settings.code == 0);
            CHECK(contains(settings.output, url_of(pipeline)));
            CHECK_FALSE(contains(settings.output, kSecret));
            CHECK(pipeline.stop() == 0);
            CHECK_FALSE(contains(pipeline.errors(), kSecret));
            CHECK(contains(pipeline.errors(), "sink=" + url_of(pipeline)));
            CHECK_FALSE(contains(read_text(pipeline.log_file()), kSecret));
            CHECK_FALSE(contains(read_text(results_of(pipeline)), kSecret));
            CHECK(pipeline.leftovers() == "");
        }
    }

    TEST_CASE("sink: the consumer refuses a run with one, and a sink one without") {
        Pipeline pipeline;
        pipeline.start(with_sink(pipeline, {}));
        const auto consumer = run_in_place(pipeline, pipeline.command("consumer"));
        CHECK(consumer.code == 69);
        CHECK(contains(consumer.errors, "are of --sink " + url_of(pipeline)));
        CHECK(pipeline.stop() == 0);
        pipeline.start();
        const auto sink = run_in_place(pipeline, pipeline.command("test_sink"));
        CHECK(sink.code == 69);
        CHECK(contains(sink.errors, "runs without --sink"));
        CHECK(pipeline.stop() == 0);
    }

    TEST_CASE("sink: one that is started by hand has its URL from the environment") {
        Pipeline pipeline;
        pipeline.start(with_sink(pipeline, {}));
        Command by_hand = pipeline.command("test_sink");
        const auto refused = run_in_place(pipeline, by_hand);
        CHECK(refused.code == 64);
        CHECK(is_one_line(refused.errors));
        CHECK(contains(refused.errors, "DRAINPIPE_SINK"));
        by_hand.environment["DRAINPIPE_SINK"] = url_of(pipeline, "user:c0rrect@");
        CHECK(pipeline.enqueue_all("x\n") == 1);
        CHECK(await_results(pipeline, 1));
        freeze(pipeline.launcher().pid());
        ::kill(consumer_of(pipeline, 1).value(), SIGKILL);
        Process joined(by_hand);
        CHECK(pipeline.enqueue_all("y\n") == 1);
        CHECK(await_results(pipeline, 2));
        CHECK(places_of(joined.pid(), "c0rrect") == "");
        joined.send(SIGTERM);
        CHECK(joined.wait() == 0);
        pipeline.launcher().send(SIGCONT);
        CHECK(pipeline.stop() == 0);
    }
}
