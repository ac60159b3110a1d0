// The consumer's loop with any work, in a process of the test's own.

#include "consumer.hpp"

#include <doctest/doctest.h>
#include <sys/timerfd.h>

#include <atomic>
#include <fstream>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "dead_letter_file.hpp"
#include "failure.hpp"
#include "gauge.hpp"
#include "ring_writer.hpp"
#include "scratch_directory.hpp"
#include "scratch_segment.hpp"

using namespace drainpipe;
using namespace drainpipe::test;
using namespace std::chrono_literals;

namespace {

// Work that ends later, out of order: a timer makes its descriptor readable, and then some of what
// was started has ended.
class LaterWork final : public Work {
  public:
    explicit LaterWork(std::size_t room)
        : room_(room), timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)) {}

    Ends ends() const override { return Ends::later; }
    std::size_t room() const override { return room_ - running_.size(); }
    int wait_fd() const override { return timer_.get(); }

    std::size_t start(std::span<const Event> events) override {
        CHECK(room() >= events.size());
        for (const Event& event : events) start_one(event);
        return events.size();
    }

    void start_one(const Event& event) {
        CHECK(event.payload() == "payload " + std::to_string(event.id()));
        CHECK(started.insert(event.id()).second);
        running_.push_back(event.id());
        most_running = std::max(most_running, running_.size());
        itimerspec soon{};
        soon.it_value.tv_nsec = 50'000;
        ::timerfd_settime(timer_.get(), 0, &soon, nullptr);
    }

    void advance(Outcomes& outcomes) override {
        std::uint64_t expired = 0;
        if (::read(timer_.get(), &expired, sizeof expired) < 0) return;
        // The youngest first, and not all of them.
        for (std::size_t count = 1 + running_.size() / 2; count > 0 && !running_.empty(); --count) {
            outcomes.done(running_.back(), std::nullopt);
            running_.pop_back();
        }
        if (!running_.empty()) {
            itimerspec soon{};
            soon.it_value.tv_nsec = 50'000;
            ::timerfd_settime(timer_.get(), 0, &soon, nullptr);
        }
    }

    std::set<std::uint64_t> started;
    std::size_t most_running = 0;

  private:
    std::size_t room_;
    Descriptor timer_;
    std::vector<std::uint64_t> running_;
};

// Work that ends at once, and notes what it did.
class InstantWork final : public Work {
  public:
    Ends ends() const override { return Ends::at_once; }
    std::size_t start(std::span<const Event> events) override {
        const std::size_t taken = std::min(events.size(), 7 - started_);
        for (const Event& event : events.first(taken)) ids.push_back(event.id());
        started_ += taken;
        return taken;
    }
    void advance(Outcomes&) override { started_ = 0; }

    std::vector<std::uint64_t> ids;

  private:
    std::size_t started_ = 0;
};

// Work with two jobs, both busy until the consumer stops; one is free then, and the other one takes
// a while. It counts how often it is asked.
class SlowWork final : public Work {
  public:
    Ends ends() const override { return Ends::later; }
    std::size_t room() const override { return !running_ || is_stopping_ ? 1 : 0; }
    void begin_stop() override { is_stopping_ = true; }
    int wait_fd() const override { return -1; }
    std::optional<Clock::time_point> next_time() const override { return end_at_; }
    std::size_t start(std::span<const Event> events) override {
        running_ = events.front().id();
        end_at_ = Clock::now() + 300ms;
        has_started = true;
        return events.size();
    }
    void advance(Outcomes& outcomes) override {
        ++asked;
        if (end_at_ && Clock::now() >= *end_at_) {
            end_at_.reset();
            outcomes.done(*std::exchange(running_, std::nullopt), std::nullopt);
        }
    }

    std::atomic<bool> has_started = false;
    int asked = 0;

  private:
    bool is_stopping_ = false;
    std::optional<std::uint64_t> running_;
    std::optional<Clock::time_point> end_at_;
};

// Work that breaks after it has done an event.
class BreakingWork final : public Work {
  public:
    Ends ends() const override { return Ends::later; }
    std::size_t start(std::span<const Event> events) override {
        started_ = events.back().id();
        return events.size();
    }
    void advance(Outcomes& outcomes) override {
        if (started_ > 0) {
            outcomes.done(1, std::nullopt);
            throw Failure(ExitCode::software, "broken");
        }
    }

  private:
    std::uint64_t started_ = 0;
};

// A process that is told by the test what to do.
class TestHost final : public Consumer::Host {
  public:
    bool should_leave() const override { return should_leave_; }
    bool is_draining() const override { return is_draining_; }
    bool is_last() const override { return false; }
    bool may_begin() const override { return may_begin_; }
    const std::atomic<bool>& has_news() const override { return has_news_; }
    int wake_fd() const override { return wake_.get(); }
    void records_written() override {}
    void warn(const std::string&) override {}

    void tell(std::atomic<bool>& what, EventCount& event_count) {
        has_news_ = true;
        what = true;
        std::uint64_t one = 1;
        [[maybe_unused]] const auto written = ::write(wake_.get(), &one, sizeof one);
        event_count.notify_always();
    }

    std::atomic<bool> should_leave_ = false;
    std::atomic<bool> is_draining_ = false;
    std::atomic<bool> may_begin_ = true;
    std::atomic<bool> has_news_ = false;

  private:
    Descriptor wake_ = make_event_descriptor();
};

// A pipeline of one consumer with that work, whose loop runs in a thread.
class Running {
  public:
    Running(const std::string& name, Work& work, Dispatch dispatch = Dispatch::demand)
        : scratch_(name, 64, 4096, settings_of(dispatch)),
          log_(directory_.path(), "consumer", LogSink::File::required),
          letters_(directory_.path() / DeadLetterFile::kFileName),
          writer_(scratch_.get()),
          thread_([this, &work] {
              Delivery delivery(scratch_.get());
              Consumer(scratch_.get(), delivery, work, log_, letters_, host_).run();
          }) {}

    void push(std::uint64_t first, std::uint64_t last) {
        for (std::uint64_t id = first; id <= last; ++id) {
            const std::string payload = "payload " + std::to_string(id);
            const std::string_view one = payload;
            while (writer_.push(std::span(&one, 1)).outcome == RingWriter::Outcome::full) {
                writer_.wait_for_room(payload.size(), [] { return false; });
            }
        }
    }

    void await_done(std::uint64_t events) {
        while (account().accepted - account().left < events) std::this_thread::yield();
    }

    Account leave() { return end(host_.should_leave_); }
    Account drain() {
        writer_.close_intake();
        return end(host_.is_draining_);
    }
    TestHost& host() { return host_; }

    Account account() { return account_of(scratch_.header(), scratch_.get().states()); }

    std::uint64_t records(const std::string& kind) const {
        std::ifstream file(directory_.path() / "info.log");
        std::uint64_t count = 0;
        for (std::string line; std::getline(file, line);) {
            count += line.find("] " + kind) != std::string::npos ? 1 : 0;
        }
        return count;
    }

  private:
    static Settings settings_of(Dispatch dispatch) {
        Settings settings = settings_for(1, dispatch);
        settings.max_demand = 20;
        settings.min_demand = 10;
        return settings;
    }

    Account end(std::atomic<bool>& what) {
        host_.tell(what, scratch_.header().events_available);
        thread_.join();
        return account();
    }

    ScratchSegment scratch_;
    ScratchDirectory directory_;
    Log log_;
    DeadLetterFile letters_;
    TestHost host_;
    RingWriter writer_;
    std::thread thread_;
};

}  // namespace

TEST_SUITE("consumer") {
    TEST_CASE("consumer: work that ends later, in any order, is committed event by event") {
        for (const Dispatch dispatch :
             {Dispatch::demand, Dispatch::partition, Dispatch::broadcast}) {
            CAPTURE(static_cast<int>(dispatch));
            LaterWork work(8);
            Running running("later", work, dispatch);
            running.push(1, 500);
            running.await_done(500);
            const Account account = running.leave();
            CHECK(account.processed == 500);
            CHECK(account.left == 0);
            CHECK(work.started.size() == 500);
            CHECK(work.most_running == 8);
            CHECK(running.records("processed id=") == 500);
        }
    }

    TEST_CASE("consumer: a drain waits for what is under way, and starts the rest") {
        LaterWork work(4);
        Running running("drain", work);
        running.push(1, 60);
        running.await_done(5);
        const Account account = running.drain();
        CHECK(account.left == 0);
        CHECK(account.processed + account.emptied + account.drained == 60);
        CHECK(running.records("emptied id=") == account.emptied);
        CHECK(running.records("drained id=") == account.drained);
        CHECK(running.records("drained all") == 1);
        CHECK(work.started.size() == 60);
    }

    TEST_CASE("consumer: one that leaves finishes what is under way and gives the rest back") {
        LaterWork work(4);
        Running running("leave", work);
        running.push(1, 60);
        running.await_done(5);
        const Account account = running.leave();
        CHECK(account.processed == work.started.size());
        CHECK(account.left == 60 - work.started.size());
        CHECK(account.in_flight == 0);
    }

    TEST_CASE("consumer: one that leaves with a job free sleeps until the other one's work ends") {
        SlowWork work;
        Running running("sleeps", work);
        running.push(1, 1);
        while (!work.has_started) std::this_thread::yield();
        const Account account = running.leave();
        CHECK(account.processed == 1);
        CHECK(work.asked < 100);
    }

    TEST_CASE("consumer: what was done before its work broke is logged and committed") {
        ScratchSegment scratch("breaks", 64, 4096, [] {
            Settings settings = settings_for(1);
            settings.max_demand = 20;
            settings.min_demand = 10;
            return settings;
        }());
        const ScratchDirectory directory;
        Log log(directory.path(), "consumer", LogSink::File::required);
        const std::string_view payload = "x";
        RingWriter writer(scratch.get());
        for (int count = 0; count < 3; ++count) CHECK(writer.push({&payload, 1}).count == 1);
        BreakingWork work;
        TestHost host;
        DeadLetterFile letters(directory.path() / DeadLetterFile::kFileName);
        Delivery delivery(scratch.get());
        CHECK_THROWS_AS(Consumer(scratch.get(), delivery, work, log, letters, host).run(), Failure);
        const Account account = account_of(scratch.header(), scratch.get().states());
        CHECK(account.processed == 1);
        CHECK(account.left == 2);
        std::ifstream file(directory.path() / "info.log");
        const std::string text(std::istreambuf_iterator<char>(file), {});
        CHECK(text.find("processed id=1 ") != std::string::npos);
    }

    TEST_CASE("consumer: near the deadline nothing is started, what is under way may end") {
        LaterWork work(4);
        Running running("deadline", work);
        running.push(1, 60);
        running.await_done(5);
        running.host().may_begin_ = false;
        const Account account = running.drain();
        CHECK(account.processed + account.emptied + account.drained == work.started.size());
        CHECK(account.left == 60 - work.started.size());
        CHECK((running.records("drained all") == 0) == (account.left > 0));
    }

    TEST_CASE("consumer: work that ends at once is done in order, in bursts as large as it takes") {
        InstantWork work;
        Running running("instant", work);
        running.push(1, 500);
        running.await_done(500);
        const Account account = running.drain();
        CHECK(account.left == 0);
        CHECK(running.records("processed id=") + running.records("emptied id=") +
                  running.records("drained id=") ==
              500);
        CHECK(work.ids.size() == 500);
        CHECK(std::ranges::is_sorted(work.ids));
    }
}
