// The intake's loop with any source, in a process of the test's own.

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "delivery.hpp"
#include "function_source.hpp"
#include "gauge.hpp"
#include "intake_loop.hpp"
#include "scratch_directory.hpp"
#include "scratch_segment.hpp"

using namespace drainpipe;
using namespace drainpipe::test;

namespace {

// A source that is handed payloads by the test, from another thread.
class QueueSource final : public Source {
  public:
    int wait_fd() const override { return wake_.get(); }

    void serve(Acceptor& acceptor) override {
        std::uint64_t count = 0;
        if (::read(wake_.get(), &count, sizeof count) < 0) return;
        std::vector<std::string> taken;
        {
            const std::lock_guard lock(mutex_);
            taken.swap(queue_);
        }
        const std::vector<std::string_view> payloads(taken.begin(), taken.end());
        accepted += acceptor.accept(payloads);
    }

    void on_full(std::size_t) override { ++full; }
    void end(Ending reason) override { ending = reason; }

    void hand_over(std::uint64_t first, std::uint64_t last) {
        const std::lock_guard lock(mutex_);
        for (std::uint64_t id = first; id <= last; ++id) queue_.push_back(std::to_string(id));
        const std::uint64_t one = 1;
        REQUIRE(::write(wake_.get(), &one, sizeof one) == sizeof one);
    }

    std::atomic<std::uint64_t> accepted = 0;
    std::atomic<unsigned> full = 0;
    std::optional<Ending> ending;

  private:
    Descriptor wake_ = make_event_descriptor();
    std::mutex mutex_;
    std::vector<std::string> queue_;
};

// A source that throws when the test says so.
class ThrowingSource final : public Source {
  public:
    int wait_fd() const override { return wake_.get(); }
    void serve(Acceptor&) override {
        if (throws) throw std::runtime_error("thrown by a source");
    }
    void end(Ending reason) override { ending = reason; }

    void throw_now() {
        throws = true;
        const std::uint64_t one = 1;
        REQUIRE(::write(wake_.get(), &one, sizeof one) == sizeof one);
    }

    std::atomic<bool> throws = false;
    std::optional<Ending> ending;

  private:
    Descriptor wake_ = make_event_descriptor();
};

// A process that is told by the test what to do.
class TestIntakeHost final : public IntakeLoop::Host {
  public:
    bool should_leave() const override { return should_leave_; }
    bool is_stopping() const override { return is_stopping_; }
    int wake_fd() const override { return wake_.get(); }
    std::string describe_consumer(unsigned number) const override {
        return "consumer." + std::to_string(number + 1);
    }
    void warn(const std::string& what) override {
        const std::lock_guard lock(mutex_);
        warnings_.push_back(what);
    }

    void tell(std::atomic<bool>& what, EventCount& event_count) {
        what = true;
        const std::uint64_t one = 1;
        REQUIRE(::write(wake_.get(), &one, sizeof one) == sizeof one);
        event_count.notify_always();
    }
    std::vector<std::string> warnings() {
        const std::lock_guard lock(mutex_);
        return warnings_;
    }

    std::atomic<bool> should_leave_ = false;
    std::atomic<bool> is_stopping_ = false;

  private:
    Descriptor wake_ = make_event_descriptor();
    std::mutex mutex_;
    std::vector<std::string> warnings_;
};

// A pipeline of one producer, whose loop runs in a thread, and room for eight events.
class RunningIntake {
  public:
    explicit RunningIntake(const std::string& name)
        : scratch_(name, 8, 4096),
          log_(directory_.path(), "producer", LogSink::File::required),
          source(add_source()),
          thread_([this] { IntakeLoop(scratch_.get(), sources_, log_, host).run(); }) {}

    // Commits until so many events are done, and returns their payloads.
    std::vector<std::string> consume(std::uint64_t events) {
        std::vector<std::string> payloads;
        Delivery delivery(scratch_.get());
        while (payloads.size() < events) {
            const Delivery::Chunk chunk = delivery.turn(0, 4, 4);
            for (const EventRange& range : chunk.ranges) {
                delivery.begin(range);
                for (std::uint64_t event = range.first; event < range.last; ++event) {
                    payloads.emplace_back(delivery.payload(event));
                }
            }
            delivery.commit(chunk.size());
        }
        delivery.leave();
        return payloads;
    }

    void tell(std::atomic<bool>& what) { host.tell(what, scratch_.header().room_available); }
    void join() { thread_.join(); }

    Account account() { return account_of(scratch_.header(), scratch_.get().states()); }
    Segment& segment() { return scratch_.get(); }

  private:
    QueueSource& add_source() {
        auto made = std::make_unique<QueueSource>();
        QueueSource& added = *made;
        sources_.push_back(std::move(made));
        return added;
    }

    ScratchSegment scratch_;
    ScratchDirectory directory_;
    Log log_;
    IntakeLoop::Sources sources_;

  public:
    QueueSource& source;
    TestIntakeHost host;

  private:
    std::thread thread_;
};

std::vector<std::string> numbers(std::uint64_t first, std::uint64_t last) {
    std::vector<std::string> numbers;
    for (std::uint64_t number = first; number <= last; ++number) {
        numbers.push_back(std::to_string(number));
    }
    return numbers;
}

}  // namespace

TEST_SUITE("intake") {
    TEST_CASE("intake: all that a source has gets in, in order, as there comes to be room") {
        RunningIntake running("intake-order");
        running.source.hand_over(1, 1000);
        CHECK(running.consume(1000) == numbers(1, 1000));
        CHECK(running.source.full > 0);
        running.source.hand_over(1001, 1003);
        CHECK(running.consume(3) == numbers(1001, 1003));
        running.tell(running.host.is_stopping_);
        running.join();
        CHECK(running.source.accepted == 1003);
        CHECK(running.source.ending == Source::Ending::closed);
        CHECK(running.account().accepted == 1003);
    }

    TEST_CASE("intake: one that leaves alone leaves the intake open") {
        RunningIntake running("intake-leaves");
        running.tell(running.host.should_leave_);
        running.join();
        CHECK(running.source.ending == Source::Ending::leaving);
        RingWriter successor(running.segment());
        const std::string_view payload = "1";
        CHECK(successor.push(std::span(&payload, 1)).outcome == RingWriter::Outcome::pushed);
    }

    TEST_CASE("intake: a stop ends the wait for room, and tells how many are in") {
        RunningIntake running("intake-full");
        running.source.hand_over(1, 20);
        while (running.source.full == 0) std::this_thread::yield();
        running.tell(running.host.is_stopping_);
        running.join();
        CHECK(running.source.accepted == 8);
        CHECK(running.source.ending == Source::Ending::closed);
        CHECK(running.account().accepted == 8);
        CHECK(running.account().left == 8);
    }

    TEST_CASE("intake: a source that throws ends a function that pushes, or waits for room") {
        for (const std::uint64_t capacity : {std::uint64_t{8}, std::uint64_t{1} << 20}) {
            CAPTURE(capacity);
            ScratchSegment scratch("intake-throws", capacity, 1 << 24);
            const ScratchDirectory directory;
            Log log(directory.path(), "producer", LogSink::File::required);
            TestIntakeHost host;
            IntakeLoop::Sources sources;
            sources.push_back(std::make_unique<ThrowingSource>());
            auto& thrower = static_cast<ThrowingSource&>(*sources.back());
            std::atomic<std::uint64_t> pushed = 0;
            std::atomic<bool> has_returned = false;
            bool has_ended = false;
            sources.push_back(std::make_unique<FunctionSource>(
                FunctionSource::Options{.function =
                                            [&](Source::Acceptor& acceptor, int /*closing_fd*/) {
                                                const std::string_view one = "x";
                                                while (acceptor.accept({&one, 1}) == 1) ++pushed;
                                                has_returned = true;
                                            },
                                        .on_end = [&] { has_ended = true; }}));
            std::string thrown;
            std::thread loop([&] {
                try {
                    IntakeLoop(scratch.get(), sources, log, host).run();
                } catch (const std::exception& error) {
                    thrown = error.what();
                }
            });
            while (pushed < 8) std::this_thread::yield();
            thrower.throw_now();
            loop.join();
            CHECK(thrown == "thrown by a source");
            CHECK(thrower.ending == Source::Ending::leaving);
            CHECK(has_returned);
            CHECK_FALSE(has_ended);
            CHECK(account_of(scratch.header(), scratch.get().states()).accepted == pushed);
        }
    }

    TEST_CASE("intake: where nothing is committed for long it says so") {
        RunningIntake running("intake-stall");
        running.source.hand_over(1, 20);
        while (running.host.warnings().empty()) std::this_thread::yield();
        CHECK(running.host.warnings().front().starts_with("ring full for=1s oldest_event=1 "));
        CHECK(running.consume(20) == numbers(1, 20));
        running.tell(running.host.is_stopping_);
        running.join();
    }
}
