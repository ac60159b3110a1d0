// Several consumers that share the events of one ring.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include "harness/audit.hpp"
#include "harness/expect.hpp"
#include "harness/pipeline.hpp"
#include "harness/process_table.hpp"
#include "harness/random.hpp"

using namespace harness;
using namespace std::chrono_literals;

namespace {

// Takes what comes through a pipe, a little at a time.
class SlowReader {
  public:
    explicit SlowReader(const std::filesystem::path& fifo)
        : fd_(::open(fifo.c_str(), O_RDONLY | O_NONBLOCK)),
          thread_([this](const std::stop_token& stop) { read_until(stop); }) {}

    // All of it. Requires that nobody writes any more.
    const std::string& text() {
        thread_.request_stop();
        thread_.join();
        return text_;
    }

  private:
    void read_until(const std::stop_token& stop) {
        std::string block(64 * 1024, '\0');
        while (true) {
            const bool is_last = stop.stop_requested();
            const auto count = ::read(fd_, block.data(), block.size());
            if (count > 0) {
                text_.append(block.data(), static_cast<std::size_t>(count));
            } else if (is_last) {
                ::close(fd_);
                return;
            }
            let_pass(10ms);
        }
    }

    int fd_;
    std::string text_;
    std::jthread thread_;
};

TEST_SUITE("consumers") {
    TEST_CASE("consumers: four share the work, and ready and log name each") {
        Pipeline pipeline;
        pipeline.start({"--consumers", "4", "--event-delay", "1ms", "--max-demand", "500",
                        "--min-demand", "0"});
        CHECK(pipeline.enqueue_all(numbers(1, 2000)) == 2000);
        CHECK(pipeline.await_output(2000));
        CHECK(pipeline.stop() == 0);
        const auto log = pipeline.log();
        CHECK(fault_of_shared_run(log, pipeline.output()) == "");
        const auto pids = value_of(log.first("ready "), "consumer").value_or("");
        CHECK(std::ranges::count(pids, ',') == 3);
        std::map<std::string_view, int> shares;
        for (const auto& record : log.starting("processed ")) ++shares[record.program];
        CHECK(shares.size() == 4);
        for (const auto& [role, events] : shares) CHECK(events > 250);  // 500 but for a few
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE(
        "consumers: with the defaults slow work is shared, and an idle one takes from a busy") {
        Pipeline pipeline;
        pipeline.start({"--consumers", "4", "--event-delay", "5ms"});
        const auto stopped = pipeline.consumer(4).value();
        CHECK(pipeline.enqueue_all(numbers(1, 400)) == 400);
        CHECK(pipeline.await_output(40));
        // What it has begun it keeps; the rest goes to those that are idle in the end.
        freeze_without_lock(pipeline, stopped);
        const auto have_done_the_rest = [&] {
            const auto log = pipeline.log();
            return log.starting("processed ").size() >= 399;
        };
        CHECK(await(have_done_the_rest));
        ::kill(stopped, SIGCONT);
        CHECK(pipeline.await_output(400));
        CHECK(pipeline.stop() == 0);
        const auto log = pipeline.log();
        CHECK(fault_of_shared_run(log, pipeline.output()) == "");
        std::map<std::string_view, int> shares;
        for (const auto& record : log.starting("processed ")) ++shares[record.program];
        for (const std::string role : {"consumer.1", "consumer.2", "consumer.3"}) {
            CHECK(shares[role] > 50);
        }
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("consumers: what is in flight to a busy one is shared in a stop as well") {
        Pipeline pipeline;
        pipeline.start({"--consumers", "2", "--event-delay", "5ms", "--grace", "60s"});
        const auto stopped = pipeline.consumer(1).value();
        freeze_without_lock(pipeline, stopped);
        CHECK(pipeline.enqueue_all(numbers(1, 200)) == 200);
        CHECK(pipeline.await_output(20));
        CHECK(pipeline.stop() == 0);  // the stop continues it
        CHECK(fault_of_shared_run(pipeline.log(), pipeline.output()) == "");
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("consumers: all of them drain, at random moments, and the account holds") {
        Random random("shared stops");
        for (int round = 0; round < 15; ++round) {
            CAPTURE(round);
            Pipeline pipeline;
            pipeline.start({"--consumers", std::to_string(2 + round % 4), "--max-demand", "100",
                            "--event-delay", round % 3 == 0 ? "50us" : "0"});
            auto client = pipeline.enqueue(5000);
            let_pass(random.moment(40ms));
            CHECK(pipeline.stop() == 0);
            const int code = client.wait();  // 69: it came when the intake was closed
            CHECK((code == 0 || code == 75 || code == 69));
            const auto log = pipeline.log();
            CHECK(fault_of_shared_run(log, pipeline.output()) == "");
            CHECK(log.account().value().accepted == accepted_by(client.output()).value_or(0));
            CHECK(log.starting("drained all").size() >= 1);
            CHECK(pipeline.leftovers() == "");
        }
    }

    TEST_CASE("consumers: one that is stopped keeps its own, the others go on, the log names it") {
        Pipeline pipeline;
        pipeline.start({"--consumers", "3", "--max-demand", "50", "--capacity", "1000",
                        "--event-delay", "100us"});
        const auto stopped = pipeline.consumer(2);
        REQUIRE(stopped.has_value());
        // Stopped with events in hand, which it nearly always has, it fills the ring in the end.
        std::uint64_t enqueued = 0;
        const auto fills_the_ring = [&] {
            auto client = pipeline.enqueue_text(numbers(enqueued + 1, enqueued + 3000));
            CHECK(pipeline.await_output(enqueued + 300));
            freeze_without_lock(pipeline, *stopped);
            const auto is_full = [&] { return !pipeline.log().starting("ring full").empty(); };
            CHECK(await([&] { return is_full() || client.has_ended(); }));
            const auto said = std::string(pipeline.log().first("ring full"));
            ::kill(*stopped, SIGCONT);
            CHECK(client.wait() == 0);
            enqueued += 3000;
            if (said.empty()) return false;
            CHECK(contains(said, "ring full for=1s"));
            CHECK(contains(said, "held_by=consumer.2 pid=" + std::to_string(*stopped)));
            return true;
        };
        CHECK(await(fills_the_ring));
        CHECK(pipeline.stop() == 0);
        CHECK(fault_of_shared_run(pipeline.log(), pipeline.output()) == "");
    }

    TEST_CASE("consumers: killed ones are replaced, and theirs is done by their successors") {
        Random random("killed among others");
        for (int round = 0; round < 6; ++round) {
            CAPTURE(round);
            Pipeline pipeline;
            pipeline.start({"--consumers", "3", "--max-demand", "50", "--event-delay", "100us"});
            auto client = pipeline.enqueue(6000);
            for (unsigned number = 1; number <= 3; ++number) {
                let_pass(random.moment(50ms));
                if (const auto pid = pipeline.consumer(number)) ::kill(*pid, SIGKILL);
            }
            CHECK(client.wait() == 0);
            CHECK(pipeline.stop() == 0);
            CHECK(fault_of_shared_run(pipeline.log(), pipeline.output()) == "");
            CHECK(pipeline.leftovers() == "");
        }
    }

    TEST_CASE("consumers: large lines to a slow reader are not torn") {
        Pipeline pipeline;
        const auto fifo = pipeline.directory() / "fifo";
        REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
        SlowReader reader(fifo);
        auto& launcher = pipeline.launch(
            after("exec \"$@\" > '" + fifo.string() + "'",
                  pipeline.launcher_command({"--consumers", "3", "--max-demand", "4"})));
        CHECK(pipeline.await_record("ready "));
        std::string text;
        for (int number = 0; number < 60; ++number) {
            text += std::string(100'000, static_cast<char>('a' + number % 26)) + "\n";
        }
        CHECK(pipeline.enqueue_all(text) == 60);
        launcher.send(SIGTERM);
        CHECK(launcher.wait() == 0);
        CHECK((line_counts(reader.text()) == line_counts(text)));
    }

    TEST_CASE("consumers: one that dies too often ends the run, and the others drain first") {
        Pipeline pipeline;
        pipeline.start({"--consumers", "3", "--event-delay", "20ms", "--max-demand", "5"});
        CHECK(pipeline.enqueue_all(numbers(1, 200)) == 200);
        const auto is_given_up = [&] {
            if (const auto pid = pipeline.consumer(2)) ::kill(*pid, SIGKILL);
            return !pipeline.log().starting("stopping reason=failure").empty();
        };
        CHECK(await(is_given_up));
        CHECK(pipeline.launcher().wait() == 70);
        const auto log = pipeline.log();
        const auto account = log.account().value();
        CHECK(account.drained > 0);
        CHECK(account.left <= 5);  // what the dead one had in flight
        for (const auto& record : log.records()) {
            CHECK_FALSE(record.message.ends_with("still runs: killing it"));
        }
        pipeline.start();
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.log().account().value().left == 0);
    }
}

}  // namespace
