// A ring smaller than what is enqueued: nothing is lost, nothing grows, everybody waits their turn.

#include <doctest/doctest.h>

#include <algorithm>

#include "harness/audit.hpp"
#include "harness/pipeline.hpp"
#include "harness/process_table.hpp"

using namespace harness;
using namespace std::chrono_literals;

namespace {

// Runs the text through a pipeline with these flags and expects it to come out unchanged.
void check_flows(const Flags& flags, const std::string& text) {
    Pipeline pipeline;
    pipeline.start(flags);
    CHECK(pipeline.enqueue_all(text) == lines_of(text).size());
    CHECK(pipeline.stop() == 0);
    CHECK((pipeline.output() == text));
    CHECK(fault_of_run(pipeline.log(), pipeline.output()) == "");
    CHECK(pipeline.leftovers() == "");
}

std::string lines_of_size(std::size_t size, std::size_t count) {
    std::string text;
    text.reserve(count * (size + 1));
    for (std::size_t number = 0; number < count; ++number) {
        auto line = std::to_string(number);
        line.resize(size, static_cast<char>('a' + number % 26));
        text += line + "\n";
    }
    return text;
}

TEST_SUITE("back_pressure") {
    TEST_CASE("back-pressure: a ring with few slots loses nothing") {
        check_flows({"--capacity", "100"}, numbers(1, 50'000));
    }

    TEST_CASE("back-pressure: a ring with one slot loses nothing") {
        check_flows({"--capacity", "1", "--max-demand", "1", "--min-demand", "0"}, numbers(1, 500));
    }

    TEST_CASE("back-pressure: a demand larger than the ring loses nothing") {
        check_flows({"--capacity", "10", "--max-demand", "1000"}, numbers(1, 20'000));
    }

    TEST_CASE("back-pressure: a ring with little room for bytes loses nothing") {
        check_flows({"--buffer-size", "64K"}, lines_of_size(10'000, 2'000));
    }

    TEST_CASE("back-pressure: events that each fill the whole buffer pass one by one") {
        check_flows({"--buffer-size", "64K"}, lines_of_size(64 * 1024, 100));
    }

    TEST_CASE("back-pressure: a slow consumer makes the client wait, not the memory grow") {
        Pipeline pipeline;
        auto command = pipeline.launcher_command({"--capacity", "1000", "--buffer-size", "256K"});
        // Keeps freed memory out of the figures of a build with the address sanitizer.
        command.environment["ASAN_OPTIONS"] = "quarantine_size_mb=1:detect_leaks=0";
        pipeline.start(command);
        const auto text = lines_of_size(1000, 60'000);
        auto client = pipeline.enqueue_text(text);
        const auto pids = processes_marked(pipeline.name());
        const auto output = pipeline.directory() / "launcher-output.1";
        std::uint64_t early = 0;
        std::uint64_t most = 0;
        const auto has_finished = [&] {
            std::uint64_t now = 0;
            for (const auto pid : pids) now += private_memory(pid);
            most = std::max(most, now);
            if (early == 0 && std::filesystem::file_size(output) > text.size() / 10) early = most;
            return client.has_ended();
        };
        CHECK(await(has_finished, 60s));
        CHECK(client.output() == "accepted=60000\n");
        CHECK(early > 0);
        CHECK(most - early < 16 * 1024 * 1024);
        CHECK(pipeline.stop() == 0);
        CHECK((pipeline.output() == text));
    }

    TEST_CASE("back-pressure: several clients share a small ring and none starves") {
        Pipeline pipeline;
        pipeline.start({"--capacity", "50"});
        std::vector<Process> clients;
        std::vector<Client> expected;
        for (int number = 0; number < 4; ++number) {
            expected.push_back({"c" + std::to_string(number) + "-", 5'000});
            clients.push_back(pipeline.enqueue_text(numbers(1, 5'000, expected.back().prefix)));
        }
        for (auto& client : clients) CHECK(client.wait() == 0);
        CHECK(pipeline.stop() == 0);
        CHECK(fault_of_clients(expected, pipeline.output()) == "");
        CHECK(fault_of_run(pipeline.log(), pipeline.output()) == "");
    }
}

}  // namespace
