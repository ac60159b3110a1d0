#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <thread>

#include "delivery.hpp"
#include "forked.hpp"
#include "ring_steps.hpp"
#include "ring_writer.hpp"
#include "scratch_segment.hpp"

using namespace drainpipe;
using namespace drainpipe::test;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::uint64_t kHandOvers = 50;
// Where nobody rang, each hand-over would take about one backstop.
constexpr auto kAllTogether = 20 * EventCount::kBackstop;
constexpr std::chrono::seconds kLimit{20};

const auto never = [] { return false; };

bool comes_true(const std::function<bool()>& condition) {
    const auto deadline = Clock::now() + kLimit;
    while (!condition()) {
        if (Clock::now() > deadline) {
            return false;
        }
        std::this_thread::yield();
    }
    return true;
}

// A process that goes on until it is told to stop.
class Companion {
  public:
    explicit Companion(const std::function<void()>& step) : pid_(::fork()) {
        while (pid_ == 0) {
            step();
        }
    }
    ~Companion() {
        ::kill(pid_, SIGKILL);
        was_killed(pid_);
    }
    Companion(const Companion&) = delete;
    Companion& operator=(const Companion&) = delete;

    bool falls_asleep() const {
        return comes_true([this] { return is_asleep(pid_); });
    }

  private:
    pid_t pid_;
};

}  // namespace

TEST_SUITE("ring_wakeups") {
    TEST_CASE("ring: a sleeping consumer is woken by each push, not by its backstop") {
        ScratchSegment scratch("pushes", 4, 100);
        const Word<std::uint64_t>& head = scratch.header().head;
        Delivery reader(scratch.get());
        reader.turn(0, kHandOvers, 0);
        const Companion consumer([&] {
            const Delivery::Chunk chunk = reader.wait(1, never);
            begin(reader, chunk);
            reader.commit(chunk.size());
        });
        RingWriter writer(scratch.get());
        const auto first = Clock::now();
        for (std::uint64_t event = 0; event < kHandOvers; ++event) {
            REQUIRE(consumer.falls_asleep());
            REQUIRE(push(writer, "x").count == 1);
            REQUIRE(comes_true([&] { return head.load() > event; }));
        }
        CHECK(Clock::now() - first < kAllTogether);
    }

    TEST_CASE("ring: a sleeping producer is woken by each commit, not by its backstop") {
        ScratchSegment scratch("commits", 1, 100);
        const Word<std::uint64_t>& tail = scratch.header().tail;
        RingWriter writer(scratch.get());
        REQUIRE(push(writer, "x").count == 1);
        Delivery reader(scratch.get());
        reader.turn(0, kHandOvers, 0);
        const Companion producer([&] {
            writer.wait_for_room(1, never);
            static_cast<void>(push(writer, "x"));
        });
        const auto first = Clock::now();
        for (std::uint64_t event = 0; event < kHandOvers; ++event) {
            REQUIRE(producer.falls_asleep());
            const Delivery::Chunk chunk = reader.turn(0, 0, 1);
            REQUIRE(chunk.size() == 1);
            begin(reader, chunk);
            reader.commit(1);
            REQUIRE(comes_true([&] { return tail.load() > event + 1; }));
        }
        CHECK(Clock::now() - first < kAllTogether);
    }
}
