// The events that a consumer has in hand, and their outcomes.

#include "delivery.hpp"

#include <doctest/doctest.h>

#include <random>
#include <set>
#include <vector>

#include "forked.hpp"
#include "gauge.hpp"
#include "ring_steps.hpp"
#include "scratch_segment.hpp"

using namespace drainpipe;
using namespace drainpipe::test;
using Events = std::vector<std::uint64_t>;

namespace {

Account account_of(ScratchSegment& scratch) {
    return drainpipe::account_of(scratch.header(), scratch.get().states());
}

void finish(Delivery& delivery, std::uint64_t event) { delivery.done({event, event + 1}); }

}  // namespace

TEST_SUITE("delivery") {
    TEST_CASE("delivery: events are done in any order, and none is handed out twice") {
        for (const Dispatch dispatch :
             {Dispatch::demand, Dispatch::partition, Dispatch::broadcast}) {
            CAPTURE(static_cast<int>(dispatch));
            ScratchSegment scratch("order", 16, 100, settings_for(1, dispatch));
            push_many(scratch.get(), 8);
            Delivery delivery(scratch.get());
            CHECK(begun(delivery, delivery.turn(0, 8, 3)) == Events{0, 1, 2});
            finish(delivery, 1);
            CHECK(delivery.in_hand() == 2);
            CHECK(begun(delivery, delivery.turn(0, 0, 2)) == Events{3, 4});
            finish(delivery, 4);
            finish(delivery, 2);
            CHECK(delivery.turn(0, 0, 0).is_empty());
            CHECK(scratch.header().head.load() == 0);
            finish(delivery, 0);
            delivery.turn(0, 0, 0);
            CHECK(scratch.header().head.load() == 3);
            CHECK(begun(delivery, delivery.turn(0, 0, 9)) == Events{5, 6, 7});
            delivery.done({5, 8});
            finish(delivery, 3);
            delivery.turn(0, 0, 0);
            CHECK(delivery.in_hand() == 0);
            CHECK(scratch.get().left() == 0);
            CHECK(account_of(scratch).processed == 8);
        }
    }

    TEST_CASE("delivery: what is in hand at a stop was in flight, whenever it ends") {
        ScratchSegment scratch("stop", 16, 100);
        push_many(scratch.get(), 6);
        Delivery delivery(scratch.get());
        CHECK(begun(delivery, delivery.turn(0, 4, 3)) == Events{0, 1, 2});
        finish(delivery, 2);
        delivery.turn(0, 0, 0);
        CHECK(delivery.begin_drain().in_flight == 3);
        const auto rest = delivery.turn(0, 0, 9);
        CHECK(rest.kind == CompletionKind::emptied);
        CHECK(begun(delivery, rest) == Events{3});
        for (const unsigned event : {0u, 3u}) finish(delivery, event);
        CHECK(delivery.turn(0, 0, 9).is_empty());  // what was in flight comes first
        finish(delivery, 1);
        const auto buffered = delivery.turn(0, 0, 9);
        CHECK(buffered.kind == CompletionKind::drained);
        CHECK(begun(delivery, buffered) == Events{4, 5});
        for (const unsigned event : {5u, 4u}) finish(delivery, event);
        delivery.turn(0, 0, 0);
        const Account account = account_of(scratch);
        CHECK(account.processed == 1);
        CHECK(account.emptied == 3);
        CHECK(account.drained == 2);
        CHECK(account.left == 0);
    }

    TEST_CASE("delivery: what is put back is handed out again, what is done is not") {
        for (const Dispatch dispatch : {Dispatch::demand, Dispatch::broadcast}) {
            ScratchSegment scratch("back", 16, 100, settings_for(1, dispatch));
            push_many(scratch.get(), 5);
            Delivery delivery(scratch.get());
            CHECK(begun(delivery, delivery.turn(0, 5, 5)) == Events{0, 1, 2, 3, 4});
            delivery.done({0, 2});
            delivery.put_back();
            CHECK(delivery.in_hand() == 0);
            CHECK(events_of(delivery.turn(0, 0, 9)) == Events{2, 3, 4});
            delivery.turn(3, 0, 0);
            CHECK(scratch.get().left() == 0);
        }
    }

    TEST_CASE(
        "delivery: a process that dies leaves what it has not done, in whatever order it went") {
        for (const Dispatch dispatch : {Dispatch::demand, Dispatch::partition}) {
            ScratchSegment scratch("dies", 16, 100, settings_for(1, dispatch));
            push_many(scratch.get(), 5);
            REQUIRE(was_killed(fork_to_die([&] {
                Delivery delivery(scratch.get());
                begin(delivery, delivery.turn(0, 5, 4));
                finish(delivery, 3);
                finish(delivery, 1);
                delivery.turn(0, 0, 0);
                finish(delivery, 0);  // not committed any more
            })));
            Delivery successor(scratch.get());
            CHECK(successor.taken_over() == 3);
            CHECK(begun(successor, successor.turn(0, 0, 9)) == Events{0, 2, 4});
            CHECK(successor.attempt(0) == 2);
            CHECK(successor.attempt(4) == 1);
            CHECK(read_ledger(scratch.header()).redelivered == 2);
            successor.turn(3, 0, 0);
            CHECK(scratch.get().left() == 0);
        }
    }

    TEST_CASE("delivery: keys are handed over only when nothing of them is in hand") {
        ScratchSegment scratch("keys", 64, 1000, settings_for(1, Dispatch::partition));
        push_many(scratch.get(), 12);
        Delivery delivery(scratch.get());
        CHECK(begun(delivery, delivery.turn(0, 12, 4)).size() == 4);
        scratch.get().scale(2);
        CHECK(delivery.turn(1, 0, 4).is_empty());
        Delivery other(scratch.get(), 1);
        CHECK(other.turn(0, 12, 12).is_empty());
        delivery.turn(3, 0, 0);
        const std::uint64_t kept = events_of(delivery.turn(0, 0, 12)).size();
        CHECK(kept + events_of(other.turn(0, 0, 12)).size() == 8);
    }

    TEST_CASE("delivery: a random walk of outcomes loses nothing and repeats nothing") {
        std::mt19937 random(17);
        for (const Dispatch dispatch :
             {Dispatch::demand, Dispatch::partition, Dispatch::broadcast}) {
            CAPTURE(static_cast<int>(dispatch));
            ScratchSegment scratch("walk", 64, 1000, settings_for(1, dispatch));
            RingWriter writer(scratch.get());
            Delivery delivery(scratch.get());
            std::vector<std::uint64_t> running;
            std::set<std::uint64_t> handed;
            for (int step = 0; step < 20'000; ++step) {
                [[maybe_unused]] const auto pushed = push(writer, "x");
                for (const std::uint64_t event :
                     begun(delivery, delivery.turn(0, random() % 3, random() % 4))) {
                    CHECK(handed.insert(event).second);
                    running.push_back(event);
                }
                while (!running.empty() && random() % 2 == 0) {
                    const std::size_t at = random() % running.size();
                    finish(delivery, running[at]);
                    running.erase(running.begin() + static_cast<std::ptrdiff_t>(at));
                }
                CHECK(delivery.in_hand() == running.size());
            }
            for (const std::uint64_t event : running) finish(delivery, event);
            delivery.turn(0, 0, 0);
            const Account account = account_of(scratch);
            CHECK(account.processed == handed.size());
            CHECK(*handed.rbegin() + 1 == handed.size());
            CHECK(account.in_flight <= 3);
        }
    }
}
