// Stages of a user's own, through the public library: they are to be like the built-in ones.

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "drainpipe/version.hpp"
#include "harness/audit.hpp"
#include "harness/expect.hpp"
#include "harness/files.hpp"
#include "harness/pipeline.hpp"
#include "harness/process_table.hpp"
#include "harness/random.hpp"

using namespace harness;
using namespace std::chrono_literals;

namespace {

std::string own(const std::string& stage) { return program("stages/" + stage).string(); }

// The launcher with these stages, flags and environment.
struct Own {
    std::string consumer = {};
    std::string producer = {};
    Flags flags = {};
    std::map<std::string, std::string> environment = {};
};

Command command_of(const Pipeline& pipeline, const Own& its) {
    Flags flags = its.flags;
    if (!its.consumer.empty()) flags.insert(flags.end(), {"--consumer", own(its.consumer)});
    if (!its.producer.empty()) flags.insert(flags.end(), {"--producer", own(its.producer)});
    Command command = pipeline.launcher_command(flags);
    command.environment = its.environment;
    return command;
}

using Environment = std::map<std::string, std::string>;
const Environment kTokens = {{"OWN_WAY", "tokens"}};
const Environment kBatches = {{"OWN_WAY", "batches"}};
const std::vector<Environment> kOneByOne = {{}, kTokens};
const std::vector<Environment> kAllWays = {{}, kTokens, kBatches};

std::string way_of(const Environment& environment) {
    return environment.empty() ? "one by one" : environment.begin()->second;
}

std::optional<pid_t> consumer_of(const Pipeline& pipeline, unsigned number) {
    const auto mark = "--number=" + std::to_string(number) + '\0';
    for (const auto pid : processes_marked(pipeline.name())) {
        const auto words = read_text("/proc/" + std::to_string(pid) + "/cmdline");
        if (program_of(pid) == "own_consumer" && words.find(mark) != std::string::npos) return pid;
    }
    return std::nullopt;
}

bool await_done(const Pipeline& pipeline, std::size_t events) {
    return await([&] { return pipeline.log().events().size() >= events; });
}

std::uint64_t sum_in(const Pipeline& pipeline, std::string_view key) {
    const auto log = pipeline.log();
    const auto summaries = log.starting("summary ");
    REQUIRE(!summaries.empty());
    return number_of(summaries.back().message, key).value();
}

std::string letters_of(const Pipeline& pipeline) {
    return read_text(pipeline.log_dir() / "dead.ndjson");
}

// The answer of a refused launcher.
Outcome answer_to(const Pipeline& pipeline, const Flags& flags) {
    return run(pipeline.launcher_command(flags));
}

}  // namespace

TEST_SUITE("stages") {
    TEST_CASE("stages: a consumer of one's own gives the same log, output and account") {
        for (const auto& environment : kAllWays) {
            CAPTURE(way_of(environment));
            Pipeline pipeline;
            pipeline.start(
                command_of(pipeline, {.consumer = "own_consumer", .environment = environment}));
            CHECK(pipeline.enqueue_all(numbers(1, 7000)) == 7000);
            CHECK(pipeline.stop() == 0);
            if (environment != kTokens) {
                CHECK(fault_of_run(pipeline.log(), pipeline.output()) == "");
            }
            CHECK(fault_of_shared_run(pipeline.log(), pipeline.output()) == "");
            CHECK(pipeline.leftovers() == "");
        }
    }

    TEST_CASE("stages: what fails or throws is tried again, what is rejected is a dead letter") {
        for (const auto& environment : kOneByOne) {
            CAPTURE(way_of(environment));
            Pipeline pipeline;
            pipeline.start(command_of(pipeline, {.consumer = "own_consumer",
                                                 .flags = {"--backoff", "1ms", "--retries", "2"},
                                                 .environment = environment}));
            pipeline.enqueue_all("fail 2 a\nthrow 1 b\ndead c\nfail 9 d\nthrow 9 e\nf\n");
            CHECK(await([&] { return lines_of(letters_of(pipeline)).size() == 3; }));
            CHECK(await_done(pipeline, 3));
            CHECK(pipeline.stop() == 65);
            CHECK(pipeline.log().fault() == "");
            const std::string output = pipeline.output();
            auto lines = lines_of(output);
            std::ranges::sort(lines);
            CHECK(lines == std::vector<std::string_view>{"a", "b", "f"});
            CHECK(contains(letters_of(pipeline),
                           "\"attempts\":1,\"reason\":\"c\",\"payload\":\"dead c\""));
            CHECK(contains(letters_of(pipeline),
                           "\"attempts\":3,\"reason\":\"as it was told\","
                           "\"payload\":\"fail 9 d\""));
            CHECK(contains(letters_of(pipeline), "\"payload\":\"throw 9 e\""));
            CHECK(sum_in(pipeline, "dead") == 3);
            CHECK(sum_in(pipeline, "retried") == 2 + 1 + 2 + 2);
        }
    }

    TEST_CASE("stages: a batch that fails is tried again one by one, and the bad alone are dead") {
        for (const std::string retries : {"0", "2"}) {
            CAPTURE(retries);
            Pipeline pipeline;
            pipeline.start(
                command_of(pipeline, {.consumer = "own_consumer",
                                      .flags = {"--backoff", "1ms", "--retries", retries},
                                      .environment = kBatches}));
            CHECK(pipeline.enqueue_all(numbers(1, 200) + "dead c\nfail 9 d\nthrow 9 e\n" +
                                       numbers(204, 400)) == 400);
            CHECK(await([&] { return lines_of(letters_of(pipeline)).size() == 3; }));
            CHECK(await_done(pipeline, 397));
            CHECK(pipeline.stop() == 65);
            const auto log = pipeline.log();
            CHECK(log.fault() == "");
            std::size_t neighbours = 0;
            for (const auto& event : log.events()) {
                CHECK(event.attempt <= 2);
                if (event.attempt == 2) ++neighbours;
            }
            CHECK((neighbours > 0) == (retries != "0"));
            const std::string most = std::to_string(1 + std::stoul(retries));
            CHECK(contains(letters_of(pipeline), "\"attempts\":" + most +
                                                     ",\"reason\":\"as it was told\"," +
                                                     "\"payload\":\"fail 9 d\""));
            CHECK(contains(letters_of(pipeline), "\"reason\":\"c\",\"payload\":\"dead c\""));
            CHECK(lines_of(pipeline.output()).size() == 397);
            CHECK(sum_in(pipeline, "dead") == 3);
        }
    }

    TEST_CASE("stages: a token that goes away is a retry") {
        Pipeline pipeline;
        pipeline.start(command_of(
            pipeline,
            {.consumer = "own_consumer", .flags = {"--backoff", "1ms"}, .environment = kTokens}));
        pipeline.enqueue_all("lose 2 a\n");
        CHECK(pipeline.await_record("processed id=1 attempt=3 "));
        CHECK(pipeline.stop() == 0);
    }

    TEST_CASE("stages: an event that kills its process is dead in the end, and no other with it") {
        for (const auto& environment : kAllWays) {
            CAPTURE(way_of(environment));
            Pipeline pipeline;
            pipeline.start(
                command_of(pipeline, {.consumer = "own_consumer", .environment = environment}));
            pipeline.enqueue_all(numbers(1, 500) + "crash 9 x\n" + numbers(502, 1000));
            CHECK(pipeline.await_record("dead id=501 attempt=4 reason=\"its consumer died\""));
            CHECK(await([&] {
                const std::string output = pipeline.output();
                const auto lines = lines_of(output);
                return std::set<std::string_view>(lines.begin(), lines.end()).size() == 999;
            }));
            CHECK(pipeline.stop() == 65);
            CHECK(sum_in(pipeline, "dead") == 1);
            CHECK(sum_in(pipeline, "processed") == 999);
            CHECK(lines_of(letters_of(pipeline)).size() == 1);
            for (const auto& event : pipeline.log().events()) CHECK(event.attempt <= 2);
        }
    }

    TEST_CASE("stages: nothing is lost by kills at random moments, and repeats are marked") {
        for (const auto& environment : kAllWays) {
            CAPTURE(way_of(environment));
            constexpr std::uint64_t kEvents = 30'000;
            Pipeline pipeline;
            pipeline.start(command_of(pipeline, {.consumer = "own_consumer",
                                                 .flags = {"--retries", "20", "--consumers", "2"},
                                                 .environment = environment}));
            auto client = pipeline.enqueue(kEvents);
            Random random("stages");
            for (int kill = 0; kill < 5; ++kill) {
                std::this_thread::sleep_for(std::chrono::milliseconds(random.between(1, 60)));
                if (const auto pid = consumer_of(pipeline, random.between(1U, 2U))) {
                    ::kill(*pid, SIGKILL);
                }
            }
            CHECK(client.wait() == 0);
            CHECK(await([&] {
                std::set<std::uint64_t> ids;
                for (const auto& event : pipeline.log().events()) ids.insert(event.id);
                return ids.size() == kEvents;
            }));
            CHECK(pipeline.stop() == 0);
            CHECK(sum_in(pipeline, "accepted") == kEvents);
            CHECK(sum_in(pipeline, "left") == 0);
            const auto log = pipeline.log();
            CHECK(log.fault() == "");
            CHECK(fault_of_repeats(log.events(), pipeline.output(), 1, kEvents) == "");
        }
    }

    TEST_CASE("stages: with keys each key's events are done in order, at any number of consumers") {
        std::string text;
        for (int number = 1; number <= 600; ++number) {
            const std::string key = "key" + std::to_string(number % 7);
            text += key + " " + std::to_string(number) + "\n";
        }
        for (const auto& environment : {Environment{}, kBatches}) {
            CAPTURE(way_of(environment));
            Pipeline pipeline;
            pipeline.start(
                command_of(pipeline, {.consumer = "own_consumer",
                                      .flags = {"--consumers", "3", "--partition-by", "1"},
                                      .environment = environment}));
            pipeline.enqueue_all(text);
            CHECK(pipeline.scale(5) == 0);
            pipeline.enqueue_all(text);
            CHECK(pipeline.scale(1) == 0);
            CHECK(await_done(pipeline, 1200));
            CHECK(pipeline.stop() == 0);
            std::map<std::string, std::uint64_t> last;
            for (const auto& event : pipeline.log().events()) {
                auto& before = last[std::string(event.payload.substr(0, 4))];
                CHECK(event.id > before);
                before = event.id;
            }
        }
    }

    TEST_CASE("stages: a stop drains, and what the deadline cuts off comes first next time") {
        Pipeline pipeline;
        pipeline.start(
            command_of(pipeline, {.consumer = "own_consumer", .flags = {"--grace", "700ms"}}));
        std::string text;
        for (int number = 1; number <= 30; ++number) {
            text += "slow 50 " + std::to_string(number) + "\n";
        }
        pipeline.enqueue_all(text);
        CHECK(await_done(pipeline, 2));
        CHECK(pipeline.stop() == 124);
        const auto left = sum_in(pipeline, "left");
        CHECK(left > 0);
        CHECK(left < 30);
        CHECK(sum_in(pipeline, "redelivered") == 0);
        pipeline.start(command_of(pipeline, {.consumer = "own_consumer"}));
        CHECK(await_done(pipeline, left));
        CHECK(pipeline.stop() == 0);
        CHECK(fault_of_redelivery(pipeline.whole_log().events(), 1, 30) == "");
    }

    TEST_CASE("stages: a rate holds for a handler too") {
        for (const auto& environment : kAllWays) {
            CAPTURE(way_of(environment));
            Pipeline pipeline;
            pipeline.start(command_of(pipeline, {.consumer = "own_consumer",
                                                 .flags = {"--rate", "20/s"},
                                                 .environment = environment}));
            const auto begin = std::chrono::steady_clock::now();
            pipeline.enqueue_all(numbers(1, 11));
            CHECK(await_done(pipeline, 11));
            CHECK(std::chrono::steady_clock::now() - begin >= 450ms);
            CHECK(pipeline.stop() == 0);
        }
    }

    TEST_CASE("stages: where events stand alone, slow ones are shared out one by one") {
        Pipeline pipeline;
        pipeline.start(command_of(pipeline, {.consumer = "own_consumer",
                                             .flags = {"--consumers", "4", "--retries", "0"},
                                             .environment = kBatches}));
        std::string text;
        for (int number = 1; number <= 12; ++number) text += "slow 100 x\n";
        pipeline.enqueue_all(text);
        CHECK(await_done(pipeline, 12));
        std::set<pid_t> consumers;
        for (const auto& event : pipeline.log().events()) consumers.insert(event.pid);
        CHECK(consumers.size() == 4);
        CHECK(pipeline.stop() == 0);
    }

    TEST_CASE("stages: a producer's events are done when it has ended, and the pipeline with it") {
        for (const std::string batch : {"1", "100"}) {
            Pipeline pipeline;
            pipeline.launch(command_of(
                pipeline, {.producer = "own_producer",
                           .environment = {{"OWN_EVENTS", "5000"}, {"OWN_BATCH", batch}}}));
            CHECK(pipeline.launcher().wait() == 0);
            CHECK(pipeline.output() == numbers(1, 5000));
            CHECK(fault_of_run(pipeline.log(), pipeline.output()) == "");
            CHECK(pipeline.await_record("stopping reason=end-of-source"));
            CHECK(pipeline.leftovers() == "");
        }
    }

    TEST_CASE("stages: a producer without end leaves at a stop, and what it pushed is done") {
        Pipeline pipeline;
        pipeline.start(
            command_of(pipeline, {.producer = "own_producer",
                                  .flags = {"--capacity", "1000", "--event-delay", "100us"},
                                  .environment = {{"OWN_BATCH", "10"}}}));
        CHECK(await_done(pipeline, 1000));
        CHECK(pipeline.stop() == 0);
        const auto accepted = sum_in(pipeline, "accepted");
        CHECK(pipeline.output() == numbers(1, accepted));
        CHECK(pipeline.log().starting("producer pid=").empty());  // it was not killed
    }

    TEST_CASE("stages: a killed producer goes on behind what was accepted") {
        constexpr std::uint64_t kEvents = 200'000;
        Pipeline pipeline;
        pipeline.start(command_of(
            pipeline,
            {.producer = "own_producer",
             .flags = {"--log-events", "off", "--capacity", "5000"},
             .environment = {{"OWN_EVENTS", std::to_string(kEvents)}, {"OWN_BATCH", "7"}}}));
        Random random("stages");
        for (int kill = 0; kill < 4; ++kill) {
            std::this_thread::sleep_for(std::chrono::milliseconds(random.between(1, 30)));
            if (const auto pid = pipeline.stage("own_producer")) ::kill(*pid, SIGKILL);
        }
        CHECK(pipeline.launcher().wait() == 0);
        CHECK(pipeline.output() == numbers(1, kEvents));
    }

    TEST_CASE("stages: structs from a producer are read in place by a consumer") {
        Pipeline pipeline;
        pipeline.launch(command_of(pipeline, {.consumer = "typed_consumer",
                                              .producer = "own_producer",
                                              .flags = {"--log-events", "off"},
                                              .environment = {{"OWN_EVENTS", "100003"},
                                                              {"OWN_TYPED", "1"},
                                                              {"OWN_BATCH", "10"},
                                                              {"OWN_PRINTS", "1"}}}));
        CHECK(pipeline.launcher().wait() == 0);
        CHECK(pipeline.output() == numbers(1, 100003));
    }

    TEST_CASE(
        "stages: an event of another size than its type goes to the dead letters, and says so") {
        Pipeline pipeline;
        pipeline.start(
            command_of(pipeline, {.consumer = "typed_consumer", .flags = {"--retries", "0"}}));
        pipeline.enqueue_all("short\n");
        CHECK(pipeline.await_record("dead id=1 attempt=1"));
        CHECK(pipeline.stop() == 65);
        CHECK(contains(letters_of(pipeline), "event 1 has 5 bytes, and its type 64"));
    }

    TEST_CASE("stages: clients enqueue beside a producer where a socket is asked for") {
        Pipeline pipeline;
        pipeline.start(command_of(pipeline, {.producer = "own_producer",
                                             .flags = {"--socket"},
                                             .environment = {{"OWN_EVENTS", "1000"}}}));
        CHECK(pipeline.await_record("end of source="));
        CHECK(pipeline.enqueue_all("a\nb\n") == 2);
        CHECK(await_done(pipeline, 1002));
        // What has ended is not begun again.
        const auto producer = pipeline.stage("own_producer");
        REQUIRE(producer.has_value());
        ::kill(*producer, SIGKILL);
        CHECK(await([&] {
            const auto now = pipeline.stage("own_producer");
            return now.has_value() && now != producer;
        }));
        auto late = pipeline.enqueue_text("c\n");
        static_cast<void>(late.wait());
        CHECK(pipeline.stop() == 0);
        CHECK(sum_in(pipeline, "accepted") <= 1003);
        CHECK(sum_in(pipeline, "accepted") >= 1002);
        Pipeline without;
        without.start(command_of(without, {.producer = "own_producer"}));
        auto client = without.enqueue(1);
        CHECK(client.wait() == 69);
        CHECK(without.stop() == 0);
    }

    TEST_CASE("stages: a full ring stops a producer, and a client beside it, and loses nothing") {
        Pipeline pipeline;
        pipeline.start(
            command_of(pipeline, {.producer = "own_producer",
                                  .flags = {"--socket", "--capacity", "10"},
                                  .environment = {{"OWN_EVENTS", "20000"}, {"OWN_BATCH", "25"}}}));
        CHECK(await_done(pipeline, 1));  // it has begun: what a client puts in counts as an id, too
        auto client = pipeline.enqueue_text(numbers(100'001, 105'000));
        CHECK(client.wait() == 0);
        CHECK(await_done(pipeline, 25'000));
        CHECK(pipeline.stop() == 0);
        const std::string output = pipeline.output();
        const auto lines = lines_of(output);
        CHECK(std::set<std::string_view>(lines.begin(), lines.end()).size() == 25'000);
        CHECK(lines.size() == 25'000);
    }

    TEST_CASE("stages: a producer that throws says why, and too often ends the pipeline") {
        Pipeline pipeline;
        pipeline.launch(command_of(
            pipeline, {.producer = "own_producer", .environment = {{"OWN_THROWS", "1"}}}));
        CHECK(pipeline.launcher().wait() == 70);
        CHECK(contains(pipeline.errors(),
                       "own_producer: the producer's function has thrown: as it was told\n"));
    }

    TEST_CASE("stages: a stage started by hand joins where its place is free") {
        Pipeline pipeline;
        CHECK(run(pipeline.command("stages/own_consumer")).code == 69);
        pipeline.start(
            command_of(pipeline, {.consumer = "own_consumer", .flags = {"--consumers", "2"}}));
        CHECK(run(pipeline.command("stages/own_consumer")).code == 75);
        CHECK(run(pipeline.command("stages/own_producer")).code == 75);
        CHECK(run(pipeline.command("stages/own_consumer", {"--number", "3"})).code != 0);
        CHECK(run(pipeline.command("stages/own_consumer", {"--mine"})).code == 64);
        CHECK(contains(run(pipeline.command("stages/own_consumer", {"--help"})).output,
                       "own_consumer"));
        CHECK(pipeline.stop() == 0);
    }

    TEST_CASE("stages: a stage of another kind than the run's is refused") {
        // A script is the consumer that the launcher starts: it has a built-in one join.
        Pipeline pipeline;
        const auto script = pipeline.directory() / "stage";
        write_text(script, "#!/bin/sh\nexec " + program("consumer").string() + " \"$@\"\n");
        ::chmod(script.c_str(), 0755);
        pipeline.launch({"--consumer", script.string()});
        CHECK(pipeline.launcher().wait() == 70);
        CHECK(contains(pipeline.errors(), "are of --consumer " + script.string()));
        Pipeline other;
        other.launch({"--producer", own("own_consumer")});
        CHECK(other.launcher().wait() == 70);
        CHECK(contains(other.errors(), "a consumer, started as a producer"));
    }

    TEST_CASE("stages: a segment of another layout is refused by a stage, with both versions") {
        Pipeline pipeline;
        const auto script = pipeline.directory() / "stage";
        write_text(script, "#!/bin/sh\nprintf '\\006' | dd of=" + pipeline.segment().string() +
                               " bs=1 seek=8 conv=notrunc status=none\nexec " +
                               own("own_consumer") + " \"$@\"\n");
        ::chmod(script.c_str(), 0755);
        pipeline.launch({"--consumer", script.string()});
        CHECK(pipeline.launcher().wait() == 70);
        CHECK(contains(pipeline.errors(), "has layout version 6, this program has " +
                                              std::to_string(drainpipe::layout_version())));
    }

    TEST_CASE("stages: what can't be had together is refused, and a stage that is not there") {
        const Pipeline pipeline;
        const std::string consumer = own("own_consumer");
        const std::string producer = own("own_producer");
        for (const Flags& flags : std::vector<Flags>{
                 {"--consumer", consumer, "--exec", "true"},
                 {"--consumer", consumer, "--dispatch", "broadcast"},
                 {"--consumer", consumer, "--jobs", "2"},
                 {"--consumer", consumer, "--timeout", "1s"},
                 {"--consumer", consumer, "--event-delay", "1ms"},
                 {"--producer", producer, "--from", "-"},
                 {"--socket"},
             }) {
            const auto result = answer_to(pipeline, flags);
            CAPTURE(flags[0]);
            CHECK(result.code == 64);
            CHECK(is_one_line(result.errors));
        }
        for (const std::string flag : {"--consumer", "--producer"}) {
            for (const std::string path : {"./nowhere", "."}) {
                const auto result = answer_to(pipeline, {flag, path});
                CHECK(result.code == 69);
                CHECK(contains(result.errors, "is missing or not executable"));
            }
        }
    }
}
