// One pipeline forwards into another one of the same host.

#include <doctest/doctest.h>

#include <algorithm>

#include "harness/audit.hpp"
#include "harness/expect.hpp"
#include "harness/pipeline.hpp"
#include "harness/process_table.hpp"
#include "harness/random.hpp"

using namespace harness;
using namespace std::chrono_literals;

namespace {

// A pipeline that forwards to another one, in one run folder. What either's processes are started
// with does not name the other: they would look like its own.
class Chain {
  public:
    Chain() {
        write_text(source.directory() / "config", "forward = " + target.name() + "\n");
        for (const Pipeline* pipeline : {&source, &target}) {
            std::filesystem::create_directory_symlink(run_directory_.path(), pipeline->run_dir());
        }
    }

    void start_source(const Flags& more = {}) {
        Flags flags{"--config", source.directory() / "config", "--backoff", "10ms"};
        flags.insert(flags.end(), more.begin(), more.end());
        source.start(flags);
    }
    void start_target(const Flags& more = {}) { target.start(more); }

    [[nodiscard]] std::uint64_t warnings() const {
        return source.log()
            .starting("forward: pipeline '" + target.name() + "' takes no events")
            .size();
    }
    [[nodiscard]] std::uint64_t processed() const {
        return source.log().starting("processed ").size();
    }

  private:
    const TemporaryDirectory run_directory_{"dp-run"};

  public:
    Pipeline source;
    Pipeline target;
};

// The first of 1..last that is missing among the lines, in words.
std::string first_missing(std::string_view output, std::uint64_t last) {
    const auto counts = line_counts(output);
    for (std::uint64_t id = 1; id <= last; ++id) {
        if (!counts.contains(std::to_string(id))) return std::to_string(id) + " is missing";
    }
    return counts.size() == last ? "" : "there are others";
}

TEST_SUITE("forward") {
    TEST_CASE("forward: events arrive in order, once, and are done when they are accepted") {
        Chain chain;
        chain.start_target();
        chain.start_source();
        CHECK(chain.source.enqueue_all(numbers(1, 20'000)) == 20'000);
        CHECK(chain.target.await_output(20'000));
        CHECK(chain.source.stop() == 0);
        CHECK(chain.source.output().empty());
        CHECK(number_of(chain.source.log().first("summary "), "accepted") == 20'000);
        CHECK(chain.source.log().first("processed id=1 ").ends_with(" payload=1"));
        CHECK(chain.warnings() == 0);
        CHECK(chain.source.leftovers() == "");
        CHECK(chain.target.stop() == 0);
        CHECK(chain.target.output() == numbers(1, 20'000));
        CHECK(fault_of_run(chain.target.log(), chain.target.output()) == "");
        CHECK(chain.target.leftovers() == "");
    }

    TEST_CASE("forward: payloads arrive as they are") {
        Chain chain;
        chain.start_target();
        chain.start_source();
        const std::string text =
            "\n  two  spaces \n\xff\xfe\r\x01\n" + std::string(3 << 20, 'x') + "\naccepted=5\n";
        CHECK(chain.source.enqueue_all(text) == 5);
        CHECK(chain.target.await_output(5));
        CHECK(chain.source.stop() == 0);
        CHECK(chain.target.stop() == 0);
        CHECK(chain.target.output() == text);
    }

    TEST_CASE("forward: events wait for a pipeline that is not running, and that is said once") {
        Chain chain;
        chain.start_source();
        CHECK(chain.source.enqueue_all(numbers(1, 100)) == 100);
        CHECK(await([&] { return chain.warnings() == 1; }));
        let_pass(1s);
        CHECK(chain.warnings() == 1);
        CHECK(contains(chain.source.errors(), chain.target.name() + "' takes no events"));
        CHECK(chain.processed() == 0);
        chain.start_target();
        CHECK(chain.target.await_output(100));
        CHECK(chain.source.await_record("forward: pipeline '" + chain.target.name() +
                                        "' takes events again"));
        CHECK(chain.source.stop() == 0);
        CHECK(chain.target.stop() == 0);
        CHECK(chain.target.output() == numbers(1, 100));
        CHECK(chain.source.log().starting("failed ").empty());
        CHECK(chain.warnings() == 1);
    }

    TEST_CASE("forward: a full pipeline is waited for") {
        Chain chain;
        chain.start_target({"--capacity", "10", "--max-demand", "5", "--event-delay", "1ms"});
        chain.start_source({"--capacity", "50"});
        CHECK(chain.source.enqueue_all(numbers(1, 1000)) == 1000);
        CHECK(chain.target.await_output(1000));
        CHECK(chain.source.stop() == 0);
        CHECK(chain.target.stop() == 0);
        CHECK(chain.target.output() == numbers(1, 1000));
        CHECK(chain.source.log().starting("failed ").empty());
    }

    TEST_CASE("forward: a killed producer there loses nothing") {
        constexpr std::uint64_t kEvents = 30'000;
        Random random("killed producers of a target");
        Chain chain;
        chain.start_target();
        chain.start_source({"--capacity", "2000"});
        Process client = chain.source.enqueue(kEvents);
        for (int kill = 0; kill < 4; ++kill) {
            let_pass(random.moment(100ms));
            std::optional<pid_t> producer;
            REQUIRE(await([&] { return (producer = chain.target.stage("producer")).has_value(); }));
            ::kill(*producer, SIGKILL);
        }
        CHECK(client.wait() == 0);
        CHECK(await([&] { return chain.processed() == kEvents; }));
        CHECK(chain.source.stop() == 0);
        CHECK(chain.target.stop() == 0);
        CHECK(first_missing(chain.target.output(), kEvents) == "");
        CHECK(chain.source.log().starting("failed ").empty());
        CHECK(number_of(chain.source.log().first("summary "), "left") == 0);
    }

    TEST_CASE("forward: a pipeline stopped and started in the middle gets each event once") {
        constexpr std::uint64_t kEvents = 20'000;
        Random random("stopped targets");
        Chain chain;
        chain.start_target();
        chain.start_source({"--capacity", "1000"});
        Process client = chain.source.enqueue(kEvents);
        std::string output;
        for (int stop = 0; stop < 3; ++stop) {
            let_pass(random.moment(100ms));
            CHECK(chain.target.stop() == 0);
            output += chain.target.output();
            chain.start_target();
        }
        CHECK(client.wait() == 0);
        CHECK(await([&] { return chain.processed() == kEvents; }));
        CHECK(chain.source.stop() == 0);
        CHECK(chain.target.stop() == 0);
        output += chain.target.output();
        CHECK(output == numbers(1, kEvents));
        CHECK(chain.warnings() <= 3);
    }

    TEST_CASE("forward: a pipeline that takes long to stop is not called again and again") {
        Chain chain;
        chain.start_target({"--event-delay", "10ms", "--max-demand", "5", "--grace", "20s"});
        chain.start_source();
        CHECK(chain.source.enqueue_all(numbers(1, 300)) == 300);
        CHECK(await([&] { return chain.processed() == 300; }));
        chain.target.launcher().send(SIGTERM);
        CHECK(chain.target.await_record("terminating "));
        CHECK(chain.source.enqueue_all("301\n") == 1);
        CHECK(chain.target.launcher().wait() == 0);
        CHECK(chain.warnings() == 1);
        std::string output = chain.target.output();
        chain.start_target();
        CHECK(chain.target.await_output(1));
        CHECK(chain.source.stop() == 0);
        CHECK(chain.target.stop() == 0);
        CHECK(output + chain.target.output() == numbers(1, 301));
    }

    TEST_CASE("forward: a pipeline killed as a whole in the middle loses nothing") {
        constexpr std::uint64_t kEvents = 20'000;
        Random random("killed targets");
        Chain chain;
        chain.start_target();
        chain.start_source({"--capacity", "1000"});
        Process client = chain.source.enqueue(kEvents);
        std::string output;
        for (int kill = 0; kill < 3; ++kill) {
            let_pass(random.moment(200ms));
            chain.target.kill_all();
            const auto part = chain.target.output();
            output += part.substr(0, part.rfind('\n') + 1);
            chain.start_target();
        }
        CHECK(client.wait() == 0);
        CHECK(await([&] { return chain.processed() == kEvents; }));
        CHECK(chain.source.stop() == 0);
        CHECK(chain.target.stop() == 0);
        CHECK(first_missing(output + chain.target.output(), kEvents) == "");
    }

    TEST_CASE("forward: a killed consumer here sends again what was not confirmed, and no other") {
        constexpr std::uint64_t kEvents = 20'000;
        Random random("killed forwarders");
        Chain chain;
        chain.start_target();
        chain.start_source({"--capacity", "1000"});
        Process client = chain.source.enqueue(kEvents);
        for (int kill = 0; kill < 4; ++kill) {
            let_pass(random.moment(100ms));
            std::optional<pid_t> consumer;
            REQUIRE(await([&] { return (consumer = chain.source.stage("consumer")).has_value(); }));
            ::kill(*consumer, SIGKILL);
        }
        CHECK(client.wait() == 0);
        CHECK(await([&] { return chain.processed() >= kEvents; }));
        CHECK(chain.source.stop() == 0);
        CHECK(chain.target.stop() == 0);
        const auto output = chain.target.output();
        CHECK(first_missing(output, kEvents) == "");
        std::map<std::string, bool> is_marked;
        const RecordLog log = chain.source.log();
        for (const auto& event : log.events()) {
            is_marked[std::string(event.payload)] |= event.attempt > 1;
        }
        for (const auto& [payload, count] : line_counts(output)) {
            CAPTURE(payload);
            if (count > 1) CHECK(is_marked[payload]);
        }
    }

    TEST_CASE("forward: an event that can't fit there ends in the dead letters, and others go on") {
        Chain chain;
        chain.start_target({"--buffer-size", "4K"});
        chain.start_source();
        const std::string large(10'000, 'x');
        CHECK(chain.source.enqueue_all("1\n" + large + "\n2\n" + large + "\n" + large + "\n3\n") ==
              6);
        CHECK(chain.target.await_output(3));
        CHECK(await([&] { return chain.source.log().starting("dead ").size() == 3; }));
        CHECK(chain.source.stop() == 65);
        CHECK(chain.target.stop() == 0);
        CHECK(chain.target.output() == "1\n2\n3\n");
        const RecordLog log = chain.source.log();
        CHECK(log.first("dead id=2 ")
                  .starts_with("dead id=2 attempt=1 reason=\"pipeline '" + chain.target.name() +
                               "' can't hold it"));
        CHECK(contains(log.first("dead id=2 "), "4096 bytes"));
        const auto letters = read_text(chain.source.log_dir() / "dead.ndjson");
        CHECK(std::ranges::count(letters, '\n') == 3);
        CHECK(contains(letters, large));
    }

    TEST_CASE("forward: a pipeline is not forwarded to itself, or to what is no name") {
        const Pipeline pipeline;
        for (const std::string& name :
             {pipeline.name(), std::string(""), std::string("a/b"), std::string(".a")}) {
            CAPTURE(name);
            const auto outcome = run(pipeline.launcher_command({"--forward", name}));
            INFO("standard error: ", outcome.errors);
            CHECK(outcome.code == 64);
            CHECK(is_one_line(outcome.errors));
            CHECK(contains(outcome.errors, name));
        }
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("forward: a stop with nobody there leaves the events for the next start") {
        Chain chain;
        chain.start_source({"--grace", "1s"});
        CHECK(chain.source.enqueue_all(numbers(1, 100)) == 100);
        CHECK(await([&] { return chain.warnings() == 1; }));
        CHECK(chain.source.stop() == 124);
        CHECK(number_of(chain.source.log().first("summary "), "left") == 100);
        chain.start_target();
        chain.start_source();
        CHECK(contains(chain.source.log().first("recovered "), "events=100"));
        CHECK(chain.target.await_output(100));
        CHECK(chain.source.stop() == 0);
        CHECK(chain.target.stop() == 0);
        CHECK(chain.target.output() == numbers(1, 100));
        CHECK(chain.source.leftovers() == "");
    }

    TEST_CASE("forward: a stop drains into the other pipeline") {
        Chain chain;
        chain.start_source();
        CHECK(chain.source.enqueue_all(numbers(1, 5000)) == 5000);
        chain.source.launcher().send(SIGTERM);
        CHECK(chain.source.await_record("terminating "));
        chain.start_target();
        CHECK(chain.source.launcher().wait() == 0);
        CHECK(chain.target.await_output(5000));
        CHECK(chain.target.stop() == 0);
        CHECK(chain.target.output() == numbers(1, 5000));
    }

    TEST_CASE("forward: it looks in its own run folder") {
        Pipeline source;
        Pipeline target;
        target.start();
        source.start({"--forward", target.name(), "--grace", "1s"});
        CHECK(source.enqueue_all("1\n") == 1);
        CHECK(source.await_record("forward: pipeline '" + target.name() + "' takes no events"));
        CHECK(source.stop() == 124);
        CHECK(target.stop() == 0);
        CHECK(target.output().empty());
    }
}

}  // namespace
