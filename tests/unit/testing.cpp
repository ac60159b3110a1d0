// The public library's own test pipeline: what it plays has to be what the real loop does.

#include "drainpipe/testing.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "drainpipe/version.hpp"

using namespace drainpipe;
using testing::Call;
using testing::Pipeline;

namespace {

struct Reading {
    std::uint64_t number;
    std::array<char, 8> sensor;
};

std::vector<std::uint64_t> ids_of(const std::vector<Call>& calls) {
    std::vector<std::uint64_t> ids;
    for (const Call& call : calls) ids.push_back(call.id);
    return ids;
}

void push_numbers(Pipeline& pipeline, int last) {
    for (int number = 1; number <= last; ++number) {
        CHECK(pipeline.intake().push(std::to_string(number)));
    }
}

bool is_whole(const Status& status) {
    return status.accepted ==
           status.processed + status.emptied + status.drained + status.dead + status.left;
}

// The consumer is killed at each attempt at event 500 of a thousand.
void check_only_500_is_dead(Pipeline& pipeline, bool is_before) {
    push_numbers(pipeline, 1000);
    for (int death = 1; death <= 4; ++death) {
        is_before ? pipeline.kill_before(500) : pipeline.kill_after(500);
    }
    pipeline.run();
    REQUIRE(pipeline.dead_letters().size() == 1);
    CHECK(pipeline.dead_letters().front().id == 500);
    CHECK(pipeline.status().processed == 999);
    for (const Call& call : pipeline.calls()) {
        CHECK((call.id == 500 || call.attempt <= 2));
    }
}

}  // namespace

TEST_SUITE("testing") {
    TEST_CASE("testing: a handler gets each event once, in order") {
        Pipeline pipeline([](const Event& event) { return done(std::string(event.payload())); });
        push_numbers(pipeline, 3);
        CHECK_FALSE(pipeline.is_committed(1));
        pipeline.run();
        CHECK(ids_of(pipeline.calls()) == std::vector<std::uint64_t>{1, 2, 3});
        CHECK(pipeline.output() == "1\n2\n3\n");
        CHECK(pipeline.is_committed(1));
        CHECK(pipeline.is_committed(3));
        CHECK_FALSE(pipeline.is_committed(4));
        CHECK(pipeline.status().processed == 3);
        CHECK(pipeline.intake().last_id() == 3);
        CHECK(pipeline.intake().run() == pipeline.status().run);
    }

    TEST_CASE("testing: what fails is tried again at once, and is dead when no tries are left") {
        Pipeline pipeline([](const Event& event) -> Outcome {
            if (event.payload() == "bad") return retry("not today");
            if (event.payload() == "worse") throw std::runtime_error("thrown");
            if (event.payload() == "worst") return dead("never");
            return event.attempt() < 3 ? retry("not yet") : done();
        });
        for (const char* const payload : {"bad", "worse", "worst", "good"}) {
            CHECK(pipeline.intake().push(payload));
        }
        pipeline.run();
        CHECK(pipeline.calls().size() == 4 + 4 + 1 + 3);
        REQUIRE(pipeline.dead_letters().size() == 3);
        std::map<std::uint64_t, testing::DeadLetter> letters;
        for (const auto& letter : pipeline.dead_letters()) letters[letter.id] = letter;
        CHECK(letters[1].reason == "not today");
        CHECK(letters[1].attempts == 4);
        CHECK(letters[2].reason == "thrown");
        CHECK(letters[3].reason == "never");
        CHECK(letters[3].attempts == 1);
        CHECK(letters[3].payload == "worst");
        const Status status = pipeline.status();
        CHECK(status.dead == 3);
        CHECK(status.processed == 1);
        CHECK(status.retried == 3 + 3 + 2);
        CHECK(status.left == 0);
    }

    TEST_CASE("testing: without retries an event has one attempt") {
        Pipeline pipeline([](const Event&) { return retry("no"); }, {.retries = 0});
        CHECK(pipeline.intake().push("x"));
        pipeline.run();
        CHECK(pipeline.calls().size() == 1);
        CHECK(pipeline.dead_letters().size() == 1);
    }

    TEST_CASE("testing: an event whose consumer is killed before its outcome counts comes again") {
        for (const bool is_before : {true, false}) {
            Pipeline pipeline([](const Event&) { return done(); });
            push_numbers(pipeline, 100);
            is_before ? pipeline.kill_before(60) : pipeline.kill_after(60);
            pipeline.run();
            const Status status = pipeline.status();
            CHECK(status.processed == 100);
            CHECK(status.redelivered >= 1);
            for (std::uint64_t id = 1; id <= 100; ++id) CHECK(pipeline.is_committed(id));
            const auto again = std::ranges::find_if(
                pipeline.calls(), [](const Call& call) { return call.attempt == 2; });
            REQUIRE(again != pipeline.calls().end());
            const auto last =
                std::ranges::find_if(pipeline.calls().rbegin(), pipeline.calls().rend(),
                                     [](const Call& call) { return call.id == 60; });
            CHECK(last->attempt == 2);
            CHECK(last->outcome.has_value());
        }
    }

    TEST_CASE("testing: an event that kills every consumer is dead, and takes no other along") {
        for (const bool is_before : {true, false}) {
            Pipeline one_by_one([](const Event&) { return done(); });
            check_only_500_is_dead(one_by_one, is_before);
            Pipeline batches([](const Batch&) { return done(); });
            check_only_500_is_dead(batches, is_before);
        }
    }

    TEST_CASE("testing: a stop lets the event in hand end and drains the others") {
        Pipeline pipeline([](const Event& event) {
            return event.id() == 7 ? retry("in the drain too") : done();
        });
        push_numbers(pipeline, 10);
        pipeline.stop_at(4);
        pipeline.run();
        const Status status = pipeline.status();
        CHECK(is_whole(status));
        CHECK(status.phase == Status::Phase::draining);
        CHECK(status.processed == 4);
        CHECK(status.left == 1);
        CHECK_FALSE(pipeline.is_committed(7));
        CHECK_FALSE(pipeline.intake().push("late"));
        CHECK(pipeline.intake().is_closing());
    }

    TEST_CASE("testing: events of a key are done in order, whatever fails") {
        std::map<std::string, std::uint64_t> last;
        Pipeline pipeline(
            [&](const Event& event) {
                const std::string key(event.payload().substr(0, 1));
                if (event.id() % 5 == 0 && event.attempt() == 1) return retry("once");
                CHECK(event.id() > last[key]);
                last[key] = event.id();
                return done();
            },
            {.partition_by = 1});
        for (int number = 1; number <= 50; ++number) {
            CHECK(pipeline.intake().push(std::string(number % 2 == 0 ? "a" : "b") + " " +
                                         std::to_string(number)));
        }
        pipeline.run();
        CHECK(pipeline.status().processed == 50);
    }

    TEST_CASE("testing: structs are read in place, and a wrong size is a retry that says both") {
        std::uint64_t sum = 0;
        Pipeline pipeline([&](const Event& event) {
            sum += event.as<Reading>().number;
            return done();
        });
        std::vector<Reading> readings;
        for (std::uint64_t number = 1; number <= 100; ++number) readings.push_back({number, {}});
        CHECK(pipeline.intake().push_many(readings) == 100);
        CHECK(pipeline.intake().push(Reading{1000, {}}));
        CHECK(pipeline.intake().push("odd"));
        CHECK(pipeline.intake().push(Reading{10000, {}}));
        pipeline.run();
        CHECK(sum == 5050 + 11000);
        REQUIRE(pipeline.dead_letters().size() == 1);
        CHECK(pipeline.dead_letters().front().reason == "event 102 has 3 bytes, and its type 16");
    }

    TEST_CASE("testing: a push says how many got in, and what can never fit is refused") {
        Pipeline pipeline([](const Event&) { return done(); },
                          {.capacity = 10, .buffer_bytes = 1000});
        const std::vector<std::string> many(25, "x");
        CHECK(pipeline.intake().try_push_many(many) == 10);
        CHECK_FALSE(pipeline.intake().try_push("x"));
        CHECK(pipeline.intake().push_many(many) == 25);  // the consumer makes room
        pipeline.run();
        CHECK(pipeline.status().processed == 35);
        CHECK(pipeline.intake().largest() == 1000);
        CHECK_THROWS_AS(pipeline.intake().push(std::string(1001, 'x')), std::length_error);
        CHECK(pipeline.status().accepted == 35);
    }

    TEST_CASE("testing: a batch is what is there, in order and at most so many, with one outcome") {
        std::vector<std::size_t> sizes;
        Pipeline pipeline(
            [&](const Batch& batch) {
                sizes.push_back(batch.size());
                CHECK(batch.end() - batch.begin() == static_cast<std::ptrdiff_t>(batch.size()));
                for (std::size_t at = 1; at < batch.size(); ++at) {
                    CHECK(batch[at].id() == batch[at - 1].id() + 1);
                }
                return done(std::to_string(batch.size()));
            },
            {.max_demand = 100, .most_in_batch = 10});
        push_numbers(pipeline, 5);
        pipeline.run();
        CHECK(sizes == std::vector<std::size_t>{5});
        push_numbers(pipeline, 45);
        pipeline.run();
        CHECK(*std::ranges::max_element(sizes) == 10);
        CHECK(std::accumulate(sizes.begin(), sizes.end(), std::size_t{0}) == 50);
        CHECK(pipeline.output().starts_with("5\n10\n"));
        CHECK(ids_of(pipeline.calls()).size() == 50);
        CHECK(std::ranges::is_sorted(ids_of(pipeline.calls())));
        CHECK(pipeline.status().processed == 50);
    }

    TEST_CASE("testing: any number may be the most of a batch, what is in flight bounds it") {
        for (const std::size_t most : {std::size_t{0}, std::size_t{7}, SIZE_MAX}) {
            CAPTURE(most);
            std::size_t largest = 0;
            Pipeline pipeline(
                [&](const Batch& batch) {
                    largest = std::max(largest, batch.size());
                    return batch[0].id() == 20 && batch[0].attempt() == 1 ? retry("once") : done();
                },
                {.max_demand = 10, .most_in_batch = most});
            push_numbers(pipeline, 30);
            pipeline.run();
            push_numbers(pipeline, 30);
            pipeline.run();
            CHECK(pipeline.status().processed == 60);
            CHECK(largest == std::clamp<std::size_t>(most, 1, 5));
        }
    }

    TEST_CASE("testing: what a kill before a batch kept from its handler is no call") {
        Pipeline pipeline([](const Batch&) { return done(); });
        push_numbers(pipeline, 10);
        pipeline.kill_before(5);
        pipeline.run();
        CHECK(pipeline.calls().size() == 10);
        for (const Call& call : pipeline.calls()) CHECK(call.attempt == 2);
    }

    TEST_CASE("testing: a push that meets a stop is false, also where the ring stays full") {
        Pipeline pipeline([](const Event&) { return retry("no"); }, {.capacity = 4});
        pipeline.stop_at(2);
        bool is_in = true;
        for (int number = 1; is_in && number <= 100; ++number) is_in = pipeline.intake().push("x");
        CHECK_FALSE(is_in);
        CHECK(pipeline.intake().is_closing());
        CHECK(is_whole(pipeline.status()));
        CHECK(pipeline.status().left > 0);
    }

    TEST_CASE("testing: options that can't be are refused") {
        const auto handler = [](const Event&) { return done(); };
        for (const testing::Options& options : std::vector<testing::Options>{
                 {.window = 0}, {.max_demand = 0}, {.capacity = 0}, {.buffer_bytes = 0}}) {
            CHECK_THROWS_AS(Pipeline(handler, options), std::invalid_argument);
        }
    }

    TEST_CASE("testing: a batch that fails is tried again one by one, and the bad alone are dead") {
        std::vector<std::size_t> sizes;
        Pipeline pipeline([&](const Batch& batch) -> Outcome {
            sizes.push_back(batch.size());
            for (const Event& event : batch) {
                if (event.id() == 7) return dead("bad");
                if (event.id() == 9) throw std::runtime_error("thrown");
            }
            return done();
        });
        push_numbers(pipeline, 20);
        pipeline.run();
        CHECK(sizes.front() == 20);
        CHECK(sizes.size() == 1 + 19 + 3);
        CHECK(std::ranges::max_element(sizes) == sizes.begin());
        REQUIRE(pipeline.dead_letters().size() == 2);
        CHECK(pipeline.dead_letters()[0].id == 7);
        CHECK(pipeline.dead_letters()[0].attempts == 2);
        CHECK(pipeline.dead_letters()[0].reason == "bad");
        CHECK(pipeline.dead_letters()[1].id == 9);
        CHECK(pipeline.dead_letters()[1].attempts == 4);
        CHECK(pipeline.status().processed == 18);
        CHECK(pipeline.status().retried == 20 + 2);
    }

    TEST_CASE("testing: without retries batches are of one event") {
        Pipeline pipeline(
            [](const Batch& batch) {
                CHECK(batch.size() == 1);
                return batch[0].id() % 2 == 0 ? retry("even") : done();
            },
            {.retries = 0});
        push_numbers(pipeline, 10);
        pipeline.run();
        CHECK(pipeline.calls().size() == 10);
        CHECK(pipeline.dead_letters().size() == 5);
    }

    TEST_CASE("testing: with keys a batch has one event of each, and their order") {
        std::map<std::string, std::uint64_t> last;
        std::size_t largest = 0;
        Pipeline pipeline(
            [&](const Batch& batch) {
                std::set<std::string> keys;
                for (const Event& event : batch) keys.insert(std::string(event.payload()));
                CHECK(keys.size() == batch.size());
                if (batch[0].id() % 5 == 0 && batch[0].attempt() == 1) return retry("once");
                for (const Event& event : batch) {
                    auto& before = last[std::string(event.payload())];
                    CHECK(event.id() > before);
                    before = event.id();
                }
                largest = std::max(largest, batch.size());
                return done();
            },
            {.partition_by = 1});
        for (int number = 1; number <= 100; ++number) {
            CHECK(pipeline.intake().push(std::string(1, static_cast<char>('a' + number % 4))));
        }
        pipeline.run();
        CHECK(pipeline.status().processed == 100);
        CHECK(largest > 1);
    }

    TEST_CASE("testing: a stop lets the batch in hand end and drains the others") {
        Pipeline pipeline([](const Batch&) { return done(); },
                          {.max_demand = 20, .most_in_batch = 10});
        push_numbers(pipeline, 50);
        pipeline.stop_at(4);
        pipeline.run();
        const Status status = pipeline.status();
        CHECK(is_whole(status));
        CHECK(status.processed == 10);
        CHECK(status.left == 0);
        CHECK(status.drained > 0);
    }

    TEST_CASE("testing: tokens are settled from other threads, in any order") {
        std::vector<std::thread> threads;
        Pipeline pipeline(AsyncHandler([&](Token token) {
                              threads.emplace_back([token = std::move(token)]() mutable {
                                  const bool fails =
                                      token.event().id() % 10 == 0 && token.event().attempt() == 1;
                                  token.settle(fails ? retry("once") : done("x"));
                              });
                          }),
                          {.window = 16});
        push_numbers(pipeline, 100);
        pipeline.run();
        for (std::thread& thread : threads) thread.join();
        CHECK(pipeline.status().processed == 100);
        CHECK(pipeline.status().retried == 10);
        CHECK(pipeline.output().size() == 200);
    }

    TEST_CASE("testing: a token that goes away unsettled is a retry, with what was thrown") {
        Pipeline pipeline(AsyncHandler([](Token token) {
            if (token.event().attempt() == 1) return;
            if (token.event().attempt() == 2) throw std::runtime_error("thrown");
            Token moved = std::move(token);
            CHECK_FALSE(token);
            CHECK(moved);
            moved.settle(done());
            CHECK_FALSE(moved);
        }));
        CHECK(pipeline.intake().push("x"));
        pipeline.run();
        REQUIRE(pipeline.calls().size() == 3);
        CHECK(pipeline.calls()[0].outcome->text() == "its token went away without an outcome");
        CHECK(pipeline.calls()[1].outcome->text() == "thrown");
        CHECK(pipeline.calls()[2].outcome->kind() == Outcome::Kind::done);
    }

    TEST_CASE("testing: with tokens out, an event that kills every consumer takes no other along") {
        Pipeline pipeline(AsyncHandler([](Token token) { token.settle(done()); }));
        push_numbers(pipeline, 100);
        for (int death = 1; death <= 4; ++death) pipeline.kill_after(50);
        pipeline.run();
        REQUIRE(pipeline.dead_letters().size() == 1);
        CHECK(pipeline.dead_letters().front().id == 50);
        CHECK(pipeline.status().processed == 99);
    }

    TEST_CASE("testing: versions are told") {
        CHECK(std::string(version()) == std::to_string(kVersionMajor) + "." +
                                            std::to_string(kVersionMinor) + "." +
                                            std::to_string(kVersionPatch));
        CHECK(layout_version() >= 7);
    }
}
