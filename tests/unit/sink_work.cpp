#include "sink_work.hpp"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <deque>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

using namespace drainpipe;

namespace {

// A work that does what the test says, with the events that it was given.
class PlannedWork final : public Work {
  public:
    explicit PlannedWork(Results& results) : results_(results) {}

    Ends ends() const override { return Ends::later; }
    std::size_t room() const override { return room_left; }
    std::size_t start(std::span<const Event> events) override {
        started += events.size();
        return events.size();
    }
    void advance(Outcomes& outcomes) override {
        for (const auto& step : steps) step(results_, outcomes);
        steps.clear();
        eventfd_t ignored = 0;
        ::eventfd_read(wake_.get(), &ignored);
    }
    int wait_fd() const override { return wake_.get(); }
    void wake() const { ::eventfd_write(wake_.get(), 1); }

    std::size_t room_left = 100;
    std::size_t started = 0;
    std::vector<std::function<void(Results&, Outcomes&)>> steps;

  private:
    Results& results_;
    Descriptor wake_ = make_event_descriptor();
};

class NotedOutcomes final : public Work::Outcomes {
  public:
    void done(std::uint64_t id, std::optional<Work::Clock::duration> took) override {
        of[id] = took ? "done in time" : "done";
    }
    void failed(std::uint64_t id, std::string_view reason, std::string_view errors) override {
        of[id] = "failed " + std::string(reason) + std::string(errors);
    }
    void dead(std::uint64_t id, std::string_view reason, std::string_view errors) override {
        of[id] = "dead " + std::string(reason) + std::string(errors);
    }
    std::map<std::uint64_t, std::string> of;
};

class NotedLines final : public LineOutput {
  public:
    void write(std::string_view lines) override { text += lines; }
    std::string text;
};

// A sink with a planned work behind it, or none, that keeps what it is handed.
struct Bench {
    explicit Bench(bool has_work, std::size_t most = 10)
        : sink(
              {.most = most},
              [&](Results& of_work) -> std::unique_ptr<Work> {
                  if (!has_work) return nullptr;
                  auto planned = std::make_unique<PlannedWork>(of_work);
                  work = planned.get();
                  return planned;
              },
              [this](Token token, std::string_view result) {
                  results[token.event().id()] = result;
                  if (throws) throw std::runtime_error("as planned");
                  tokens.push_back(std::move(token));
              },
              lines) {}

    void start(std::uint64_t id, std::string_view payload) {
        const Event event(id, 1, payload);
        CHECK(sink.start({&event, 1}) == 1);
    }
    bool is_readable() const {
        pollfd wait{sink.wait_fd(), POLLIN, 0};
        return ::poll(&wait, 1, 0) > 0;
    }

    NotedLines lines;
    NotedOutcomes outcomes;
    PlannedWork* work = nullptr;
    std::map<std::uint64_t, std::string_view> results;
    std::deque<Token> tokens;
    bool throws = false;
    SinkWork sink;
};

void write_result(Results& results, std::uint64_t id, std::string_view bytes) {
    CapturedOutput output;
    output.add(bytes);
    results.add(id, output);
}

}  // namespace

TEST_SUITE("sink_work") {
    TEST_CASE("sink_work: without a work the payload is the result, done when its token is") {
        Bench bench(false, 2);
        bench.start(1, "a");
        bench.start(2, "b");
        CHECK(bench.sink.room() == 0);
        CHECK(bench.results.at(2) == "b");
        CHECK_FALSE(bench.is_readable());
        bench.tokens.back().settle(done());
        CHECK(bench.is_readable());
        bench.sink.advance(bench.outcomes);
        CHECK(bench.outcomes.of == std::map<std::uint64_t, std::string>{{2, "done"}});
        CHECK(bench.sink.room() == 1);
        CHECK_FALSE(bench.is_readable());
    }

    TEST_CASE("sink_work: an event is done when the work and the token are, in any order of ids") {
        Bench bench(true);
        bench.start(1, "a");
        bench.start(2, "b");
        bench.work->wake();
        CHECK(bench.is_readable());
        bench.work->steps.emplace_back([](Results& results, Work::Outcomes& outcomes) {
            write_result(results, 2, "two\n\n");
            outcomes.done(2, std::chrono::seconds(1));
            results.add_line(1, "one");
            outcomes.done(1, std::nullopt);
        });
        bench.sink.advance(bench.outcomes);
        CHECK(bench.outcomes.of.empty());
        CHECK(bench.results.at(1) == "one");
        CHECK(bench.results.at(2) == "two\n\n");
        for (Token& token : bench.tokens) token.settle(done());
        bench.sink.advance(bench.outcomes);
        CHECK(bench.outcomes.of ==
              std::map<std::uint64_t, std::string>{{1, "done"}, {2, "done in time"}});
    }

    TEST_CASE("sink_work: where the work has written nothing the payload is the result") {
        Bench bench(true);
        bench.start(1, "a");
        bench.work->steps.emplace_back(
            [](Results&, Work::Outcomes& outcomes) { outcomes.done(1, std::nullopt); });
        bench.sink.advance(bench.outcomes);
        CHECK(bench.results.at(1) == "a");
    }

    TEST_CASE("sink_work: what fails in the work is not handed on, and makes room") {
        Bench bench(true, 2);
        bench.start(1, "a");
        bench.start(2, "b");
        bench.work->steps.emplace_back([](Results&, Work::Outcomes& outcomes) {
            outcomes.failed(1, "why", " errors");
            outcomes.dead(2, "why", " errors");
        });
        bench.sink.advance(bench.outcomes);
        CHECK(bench.results.empty());
        CHECK(bench.outcomes.of == std::map<std::uint64_t, std::string>{{1, "failed why errors"},
                                                                        {2, "dead why errors"}});
        CHECK(bench.sink.room() == 2);
    }

    TEST_CASE("sink_work: what the token says is the outcome, and another attempt is a new one") {
        Bench bench(true);
        for (std::uint64_t id = 1; id <= 4; ++id) bench.start(id, "x");
        const auto finish = [](std::uint64_t id) {
            return [id](Results& results, Work::Outcomes& outcomes) {
                write_result(results, id, "y");
                outcomes.done(id, std::nullopt);
            };
        };
        for (std::uint64_t id = 1; id <= 4; ++id) bench.work->steps.emplace_back(finish(id));
        bench.sink.advance(bench.outcomes);
        bench.tokens[0].settle(retry("later"));
        bench.tokens[1].settle(dead("never"));
        bench.tokens[2].settle(done("a line"));
        bench.tokens.clear();
        bench.sink.advance(bench.outcomes);
        CHECK(bench.outcomes.of.at(1) == "failed later");
        CHECK(bench.outcomes.of.at(2) == "dead never");
        CHECK(bench.outcomes.of.at(3) == "done");
        CHECK(bench.lines.text == "a line\n");
        CHECK(bench.outcomes.of.at(4) == "failed its token went away without an outcome");
        bench.start(1, "x");
        bench.work->steps.emplace_back(finish(1));
        bench.sink.advance(bench.outcomes);
        bench.tokens[0].settle(done());
        bench.sink.advance(bench.outcomes);
        CHECK(bench.outcomes.of.at(1) == "done");
    }

    TEST_CASE("sink_work: an exception of the function is a retry with its words") {
        Bench bench(false);
        bench.throws = true;
        bench.start(1, "a");
        bench.sink.advance(bench.outcomes);
        CHECK(bench.outcomes.of.at(1) == "failed as planned");
    }

    TEST_CASE("sink_work: its room is what the work has and --max-demand leaves") {
        Bench bench(true, 4);
        bench.work->room_left = 3;
        CHECK(bench.sink.room() == 3);
        bench.start(1, "a");
        bench.start(2, "b");
        CHECK(bench.sink.room() == 2);
        bench.work->steps.emplace_back(
            [](Results&, Work::Outcomes& outcomes) { outcomes.done(1, std::nullopt); });
        bench.sink.advance(bench.outcomes);
        CHECK(bench.sink.room() == 2);
        bench.tokens[0].settle(done());
        bench.sink.advance(bench.outcomes);
        CHECK(bench.sink.room() == 3);
    }

    TEST_CASE("sink_work: large results, whole, leave no room until one is settled") {
        Bench bench(true);
        const std::string large(SinkWork::kMostBytes, 'x');
        bench.start(1, "a");
        bench.work->steps.emplace_back([&](Results& results, Work::Outcomes& outcomes) {
            write_result(results, 1, large);
            outcomes.done(1, std::nullopt);
        });
        bench.sink.advance(bench.outcomes);
        CHECK(bench.results.at(1).size() == large.size());
        CHECK(bench.results.at(1) == large);
        CHECK(bench.sink.room() == 0);
        bench.tokens[0].settle(done());
        bench.sink.advance(bench.outcomes);
        CHECK(bench.sink.room() == 10);
    }

    TEST_CASE("sink_work: a token that outlives it can be settled still") {
        std::deque<Token> tokens;
        {
            Bench bench(false);
            bench.start(1, "a");
            tokens = std::move(bench.tokens);
        }
        tokens[0].settle(done());
    }
}
