// Events whose work fails: what they wait for, what waits with them, and what they count for.

#include <doctest/doctest.h>

#include <chrono>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "delivery.hpp"
#include "demand_window.hpp"
#include "forked.hpp"
#include "gauge.hpp"
#include "ring_steps.hpp"
#include "scratch_segment.hpp"

using namespace drainpipe;
using namespace drainpipe::test;
using namespace std::chrono_literals;

namespace {

using Numbers = std::vector<std::uint64_t>;

Settings settings_of_commands(Dispatch dispatch = Dispatch::demand, std::uint32_t consumers = 1) {
    Settings settings = settings_for(consumers, dispatch);
    settings.work = WorkKind::exec;
    return settings;
}

Account account_in(ScratchSegment& scratch) {
    return drainpipe::account_of(scratch.header(), scratch.get().states());
}

Delivery::Clock::time_point in_an_hour() { return Delivery::Clock::now() + 1h; }
Delivery::Clock::time_point at_once() { return Delivery::Clock::now() - 1s; }

// Hands out up to `limit` events and begins an attempt at each.
Numbers tried(Delivery& delivery, std::uint64_t asked, std::uint64_t limit) {
    Numbers events = events_of(delivery.turn(0, asked, limit));
    for (const std::uint64_t event : events) delivery.begin_attempt(event);
    return events;
}

void settle_one(Delivery& delivery, std::uint64_t event) { delivery.done({event, event + 1}); }

void push_keys(ScratchSegment& scratch, const std::vector<std::string>& payloads) {
    RingWriter writer(scratch.get());
    for (const std::string& payload : payloads) REQUIRE(push(writer, payload).count == 1);
}

}  // namespace

TEST_SUITE("retries") {
    TEST_CASE("retries: when the number of consumers changes, jobs that are free get events") {
        ScratchSegment scratch("scaled", 16, 100, settings_of_commands());
        push_many(scratch.get(), 3);
        Delivery delivery(scratch.get());
        CHECK(tried(delivery, 2, 1) == Numbers{0});
        scratch.get().scale(2);
        CHECK(tried(delivery, 0, 1) == Numbers{1});
    }

    TEST_CASE("retries: what failed waits for its time, and others go on") {
        ScratchSegment scratch("waits", 16, 100, settings_of_commands());
        push_many(scratch.get(), 5);
        Delivery delivery(scratch.get());
        CHECK(tried(delivery, 5, 2) == Numbers{0, 1});
        const auto later = in_an_hour();
        CHECK(delivery.has_another_try(0));
        delivery.failed(0, later);
        CHECK(delivery.in_hand() == 1);
        CHECK(delivery.has_held());
        CHECK(tried(delivery, 0, 2) == Numbers{2, 3});
        CHECK(delivery.next_time() == later);
        CHECK(delivery.has_another_try(2));
        delivery.failed(2, at_once());
        CHECK(tried(delivery, 0, 1) == Numbers{2});
        CHECK(delivery.attempt(2) == 2);
        CHECK(delivery.attempt(0) == 1);
        for (const std::uint64_t event : {1u, 2u, 3u}) settle_one(delivery, event);
        CHECK(tried(delivery, 0, 9) == Numbers{4});
        settle_one(delivery, 4);
        CHECK(tried(delivery, 0, 9).empty());
        const Account account = account_in(scratch);
        CHECK(account.processed == 4);
        CHECK(account.left == 1);
        CHECK(account.retried == 1);
        CHECK(account.redelivered == 0);
    }

    TEST_CASE("retries: an event holds demand until its first outcome, and never after") {
        ScratchSegment scratch("demand", 16, 100, settings_of_commands());
        push_many(scratch.get(), 4);
        Delivery delivery(scratch.get());
        CHECK(tried(delivery, 2, 2) == Numbers{0, 1});
        CHECK(delivery.take_handled() == 0);
        delivery.failed(0, at_once());
        CHECK(delivery.take_handled() == 1);
        CHECK(tried(delivery, 0, 9) == Numbers{0});
        delivery.failed(0, at_once());
        CHECK(tried(delivery, 0, 9) == Numbers{0});
        settle_one(delivery, 0);
        CHECK(delivery.take_handled() == 0);
        delivery.dead(1);
        CHECK(delivery.take_handled() == 1);
        CHECK(tried(delivery, 0, 9).empty());
        CHECK(tried(delivery, 1, 9) == Numbers{2});
    }

    TEST_CASE("retries: what is dead is settled as such, and its slot knows nothing of it") {
        ScratchSegment scratch("dead", 4, 100, settings_of_commands());
        push_many(scratch.get(), 4);
        Delivery delivery(scratch.get());
        CHECK(tried(delivery, 100, 1) == Numbers{0});
        delivery.failed(0, at_once());
        // Given up when it is handed out, without another try.
        CHECK(events_of(delivery.turn(0, 0, 1)) == Numbers{0});
        CHECK(delivery.waited_for_retry(0));
        delivery.dead(0);
        CHECK(tried(delivery, 0, 1) == Numbers{1});
        delivery.dead(1);
        CHECK(tried(delivery, 0, 9) == Numbers{2, 3});
        delivery.done({2, 4});
        delivery.turn(0, 0, 0);
        const Account account = account_in(scratch);
        CHECK(account.dead == 2);
        CHECK(account.processed == 2);
        CHECK(account.left == 0);
        // Until each slot was used again.
        for (std::uint64_t event = 4; event < 4 + scratch.header().geometry.slots; ++event) {
            CAPTURE(event);
            push_many(scratch.get(), 1);
            CHECK(scratch.get().retry_time(event) == 0);
            CHECK(tried(delivery, 0, 9) == Numbers{event});
            CHECK(delivery.attempt(event) == 1);
            settle_one(delivery, event);
            delivery.turn(0, 0, 0);
        }
    }

    TEST_CASE("retries: with keys one of a key is in hand, and those behind a failed one wait") {
        ScratchSegment scratch("keys", 16, 200, settings_of_commands(Dispatch::partition));
        push_keys(scratch, {"a 1", "a 2", "b 3", "a 4", "b 5"});
        Delivery delivery(scratch.get());
        CHECK(tried(delivery, 9, 9) == Numbers{0, 2});
        delivery.failed(0, in_an_hour());
        CHECK(tried(delivery, 0, 9).empty());
        settle_one(delivery, 2);
        CHECK(tried(delivery, 0, 9) == Numbers{4});
        settle_one(delivery, 4);
        CHECK(tried(delivery, 0, 9).empty());
        CHECK(delivery.take_handled() == 3);  // those that wait behind it hold their demand
        delivery.begin_drain();
        CHECK(tried(delivery, 0, 9) == Numbers{0});
        settle_one(delivery, 0);
        CHECK(tried(delivery, 0, 9) == Numbers{1});
        settle_one(delivery, 1);
        CHECK(tried(delivery, 0, 9) == Numbers{3});
        settle_one(delivery, 3);
        delivery.turn(0, 0, 0);
        CHECK(account_in(scratch).left == 0);
    }

    TEST_CASE("retries: with keys what is put back comes before what waits for it") {
        ScratchSegment scratch("backkeys", 16, 100, settings_of_commands(Dispatch::partition));
        push_keys(scratch, {"a 0", "b 1", "a 2", "b 3"});
        Delivery delivery(scratch.get());
        CHECK(tried(delivery, 4, 1) == Numbers{0});
        settle_one(delivery, 0);
        CHECK(events_of(delivery.turn(0, 0, 4)) == Numbers{1, 2});  // 3 waits for 1
        const EventRange both{1, 3};
        delivery.put_back({&both, 1});
        CHECK(delivery.in_hand() == 0);
        CHECK(tried(delivery, 0, 4) == Numbers{1, 2});
        settle_one(delivery, 1);
        settle_one(delivery, 2);
        CHECK(tried(delivery, 0, 4) == Numbers{3});
        settle_one(delivery, 3);
        delivery.commit(0);
        CHECK(delivery.take_handled() == 4);
        CHECK(account_in(scratch).processed == 4);
    }

    TEST_CASE("retries: what comes again beside what is still in hand is told apart from it") {
        ScratchSegment scratch("beside", 16, 100, settings_of_commands(Dispatch::demand));
        push_keys(scratch, {"a 0", "a 1", "a 2"});
        Delivery delivery(scratch.get());
        CHECK(events_of(delivery.turn(0, 3, 3)) == Numbers{0, 1, 2});
        delivery.begin_attempt(0);
        delivery.failed(0, at_once());
        const EventRange middle{1, 2};
        delivery.put_back({&middle, 1});
        CHECK(delivery.in_hand() == 1);
        CHECK(tried(delivery, 0, 3) == Numbers{0, 1});
        CHECK(delivery.in_hand() == 3);
        delivery.begin_attempt(2);
        for (const std::uint64_t event : {1u, 2u, 0u}) settle_one(delivery, event);
        delivery.commit(0);
        CHECK(account_in(scratch).processed == 3);
        CHECK(delivery.in_hand() == 0);
    }

    TEST_CASE("retries: in the drain each has one more try, and is left with its count") {
        for (const Dispatch dispatch : {Dispatch::demand, Dispatch::partition}) {
            ScratchSegment scratch("drain", 16, 200, settings_of_commands(dispatch));
            push_keys(scratch, {"a 1", "b 2"});
            Delivery delivery(scratch.get());
            CHECK(tried(delivery, 1, 1) == Numbers{0});
            delivery.failed(0, in_an_hour());
            delivery.begin_drain();
            CHECK(tried(delivery, 0, 1) == Numbers{0});
            CHECK_FALSE(delivery.has_another_try(0));
            delivery.failed(0, in_an_hour());
            CHECK(tried(delivery, 0, 9) == Numbers{1});
            CHECK(delivery.has_another_try(1));
            delivery.failed(1, in_an_hour());
            CHECK(tried(delivery, 0, 9) == Numbers{1});
            CHECK_FALSE(delivery.has_another_try(1));
            delivery.failed(1, in_an_hour());
            CHECK(tried(delivery, 0, 9).empty());
            CHECK(delivery.in_hand() == 0);
            CHECK(delivery.has_held());
            delivery.leave();
            CHECK(Gauge(scratch.name()).waiting_for_retry() == 2);
            CHECK(account_in(scratch).left == 2);
            scratch.get().begin_run(settings_of_commands(dispatch));
            Delivery next(scratch.get());
            CHECK(next.attempt(0) == 2);
            CHECK(next.attempt(1) == 2);
            CHECK(read_ledger(scratch.header()).redelivered == 0);
        }
    }

    TEST_CASE("retries: another consumer of the same drain does not try it once more") {
        ScratchSegment scratch("twice", 16, 200, settings_of_commands(Dispatch::demand, 2));
        push_many(scratch.get(), 1);
        Delivery one(scratch.get(), 0);
        Delivery other(scratch.get(), 1);
        CHECK(tried(one, 1, 1) == Numbers{0});
        one.failed(0, in_an_hour());
        one.begin_drain();
        other.begin_drain();
        CHECK(tried(one, 0, 1) == Numbers{0});
        CHECK_FALSE(one.has_another_try(0));
        one.failed(0, in_an_hour());
        one.leave();
        for (int turn = 0; turn < 3; ++turn) CHECK(tried(other, 0, 1).empty());
        other.leave();
        CHECK(Gauge(scratch.name()).waiting_for_retry() == 1);
        scratch.get().begin_run(settings_of_commands());
        CHECK(scratch.get().retry_time(0) != 0);
        Delivery next(scratch.get());
        next.begin_drain();
        CHECK(tried(next, 0, 1) == Numbers{0});
        CHECK(next.attempt(0) == 3);
    }

    TEST_CASE("retries: those of an earlier run that were not given yet have a try in a drain") {
        for (const Dispatch dispatch : {Dispatch::demand, Dispatch::partition}) {
            ScratchSegment scratch("early", 16, 200, settings_of_commands(dispatch));
            push_keys(scratch, {"a 1", "b 2", "c 3", "d 4"});
            Delivery delivery(scratch.get());
            CHECK(tried(delivery, 3, 3) == Numbers{0, 1, 2});
            for (const std::uint64_t event : {0u, 1u, 2u}) delivery.failed(event, in_an_hour());
            delivery.turn(0, 0, 0);
            scratch.get().begin_run(settings_of_commands(dispatch));
            Delivery next(scratch.get());
            next.begin_drain();
            Numbers order;
            for (int step = 0; step < 4; ++step) {
                const Numbers one = tried(next, 0, 1);
                REQUIRE(one.size() == 1);
                order.push_back(one.front());
                CHECK(next.attempt(one.front()) == (one.front() < 3 ? 2 : 1));
                settle_one(next, one.front());
            }
            CHECK(tried(next, 0, 1).empty());
            CHECK(account_in(scratch).left == 0);
            CHECK(account_in(scratch).drained == 4);
        }
    }

    TEST_CASE("retries: a successor knows what waits, and until when, and asks for more") {
        for (const Dispatch dispatch : {Dispatch::demand, Dispatch::partition}) {
            ScratchSegment scratch("successor", 16, 200, settings_of_commands(dispatch));
            push_keys(scratch, {"a 1", "b 2", "c 3"});
            REQUIRE(was_killed(fork_to_die([&] {
                Delivery delivery(scratch.get());
                tried(delivery, 3, 3);
                delivery.failed(0, Delivery::Clock::now() + 300ms);
                delivery.failed(1, in_an_hour());
                delivery.turn(0, 0, 0);
            })));
            Delivery successor(scratch.get());
            CHECK(successor.taken_over() == 1);
            CHECK(read_ledger(scratch.header()).redelivered == 1);
            CHECK(tried(successor, 0, 9) == Numbers{2});
            CHECK(successor.attempt(2) == 2);
            settle_one(successor, 2);
            Numbers later;
            while (later.empty()) later = tried(successor, 0, 9);
            CHECK(later == Numbers{0});
            CHECK(successor.attempt(0) == 2);
            CHECK(successor.take_handled() == 1);
            settle_one(successor, 0);
            CHECK(tried(successor, 0, 9).empty());
            CHECK(account_in(scratch).processed == 2);
        }
    }

    TEST_CASE("retries: a random walk of failures asks for no event too many, and stalls never") {
        std::mt19937 random(18);
        for (const Dispatch dispatch : {Dispatch::demand, Dispatch::partition}) {
            CAPTURE(static_cast<int>(dispatch));
            constexpr std::uint64_t kMax = 4;
            constexpr std::uint64_t kAll = 3000;
            ScratchSegment scratch("walk", 64, 2000, settings_of_commands(dispatch));
            RingWriter writer(scratch.get());
            Delivery delivery(scratch.get());
            DemandWindow window(kMax, kMax - 1);
            std::uint64_t asked = window.first_ask(0);
            std::uint64_t pushed = 0;
            std::uint64_t dead = 0;
            std::uint64_t idle = 0;
            std::map<std::uint64_t, unsigned> tries;
            std::set<std::uint64_t> without_outcome;
            std::set<std::uint64_t> settled;
            std::map<std::string, std::uint64_t> last_of_key;
            Numbers running;
            while (settled.size() < kAll && idle < 10'000) {
                const std::string key = "key" + std::to_string(pushed % 7);
                if (pushed < kAll && push(writer, key).count == 1) ++pushed;
                const Numbers handed =
                    tried(delivery, std::exchange(asked, 0), kMax - running.size());
                for (const std::uint64_t event : handed) {
                    REQUIRE_FALSE(settled.contains(event));
                    if (++tries[event] == 1) without_outcome.insert(event);
                    CHECK(delivery.attempt(event) == tries[event]);
                    running.push_back(event);
                }
                CHECK(running.size() <= kMax);
                CHECK(without_outcome.size() <= kMax);
                idle = handed.empty() && running.empty() ? idle + 1 : 0;
                while (!running.empty() && random() % 3 != 0) {
                    const std::size_t at = random() % running.size();
                    const std::uint64_t event = running[at];
                    running.erase(running.begin() + static_cast<std::ptrdiff_t>(at));
                    without_outcome.erase(event);
                    if (random() % 3 == 0 && tries[event] < 100) {
                        CHECK(delivery.has_another_try(event));
                        delivery.failed(event, at_once());
                        continue;
                    }
                    if (dispatch == Dispatch::partition) {
                        std::uint64_t& last = last_of_key[std::string(delivery.payload(event))];
                        CHECK(last <= event);
                        last = event;
                    }
                    settled.insert(event);
                    if (random() % 10 == 0) {
                        delivery.dead(event);
                        ++dead;
                    } else {
                        settle_one(delivery, event);
                    }
                }
                asked = window.handled(delivery.take_handled());
            }
            delivery.turn(0, 0, 0);
            CHECK(settled.size() == kAll);
            const Account account = account_in(scratch);
            CHECK(account.dead == dead);
            CHECK(account.processed == kAll - dead);
            CHECK(account.left == 0);
            std::uint64_t retried = 0;
            for (const auto& [event, count] : tries) retried += count - 1;
            CHECK(account.retried == retried);
        }
    }
}
