// Whom an event is for, where it is not whoever asks: the one that has its key, or everybody.

#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "harness/expect.hpp"
#include "harness/pipeline.hpp"
#include "harness/random.hpp"

using namespace harness;
using namespace std::chrono_literals;

namespace {

// "KEY NUMBER" lines, keys in turn, numbers from 1.
std::string keyed(int keys, int count) {
    std::string text;
    for (int number = 1; number <= count; ++number) {
        text += "key" + std::to_string(number % keys) + " " + std::to_string(number) + "\n";
    }
    return text;
}

// Whether the numbers of each key come in order, each for the first time.
std::string fault_of_keys(const std::string& output) {
    std::map<std::string, int> last;
    std::map<std::string, int> seen;
    for (const auto line : lines_of(output)) {
        const std::string text(line);
        if (++seen[text] > 1) continue;
        const auto key = text.substr(0, text.find(' '));
        const int number = std::stoi(text.substr(text.find(' ') + 1));
        if (number <= last[key]) return "'" + text + "' behind " + std::to_string(last[key]);
        last[key] = number;
    }
    return {};
}

TEST_SUITE("dispatch") {
    TEST_CASE("dispatch: the events of a key are done in order, across kills and another number") {
        Random random("keys");
        for (int round = 0; round < 4; ++round) {
            CAPTURE(round);
            Pipeline pipeline;
            pipeline.start({"--consumers", "2", "--partition-by", "1", "--max-demand", "50",
                            "--event-delay", "50us"});
            auto client = pipeline.enqueue_text(keyed(37, 6000));
            for (const unsigned count : {4u, 1u, 3u}) {
                let_pass(random.moment(40ms));
                CHECK(pipeline.scale(count) == 0);
                let_pass(random.moment(20ms));
                if (const auto pid = pipeline.consumer(1)) ::kill(*pid, SIGKILL);
            }
            CHECK(client.wait() == 0);
            CHECK(pipeline.stop() == 0);
            CHECK(fault_of_keys(pipeline.output()) == "");
            CHECK(line_counts(pipeline.output()).size() == 6000);
            CHECK(pipeline.log().account().value().left == 0);
            CHECK(pipeline.leftovers() == "");
        }
    }

    TEST_CASE("dispatch: in a broadcast each gets every event in order, also after a crash") {
        Pipeline pipeline;
        pipeline.start({"--consumers", "3", "--dispatch", "broadcast", "--max-demand", "50",
                        "--event-delay", "100us"});
        auto client = pipeline.enqueue(2000);
        CHECK(pipeline.await_output(1000));
        const auto dead = pipeline.consumer(2);
        REQUIRE(dead.has_value());
        ::kill(*dead, SIGKILL);
        CHECK(client.wait() == 0);
        CHECK(pipeline.stop() == 0);
        std::map<std::string, std::uint64_t> last;
        std::uint64_t marked = 0;
        const auto log = pipeline.log();
        for (const auto& record : log.records()) {
            const auto id = number_of(record.message, "id");
            if (!id || !record.program.starts_with("consumer")) continue;
            auto& before = last[std::string(record.program)];
            const auto attempt = number_of(record.message, "attempt").value_or(1);
            CHECK((*id == before + 1 || (attempt > 1 && *id <= before)));
            marked += attempt > 1 ? 1 : 0;
            before = std::max(before, *id);
        }
        CHECK(last == std::map<std::string, std::uint64_t>{
                          {"consumer.1", 2000}, {"consumer.2", 2000}, {"consumer.3", 2000}});
        CHECK(marked == log.account().value().redelivered);
        for (const auto& [line, count] : line_counts(pipeline.output())) {
            CHECK((count == 3 || (count == 4 && marked > 0)));
        }
        CHECK(log.account().value().accepted == 2000);
        CHECK(pipeline.leftovers() == "");
    }
}

}  // namespace
