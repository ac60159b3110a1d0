#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "forked.hpp"
#include "gauge.hpp"
#include "ring_steps.hpp"
#include "scratch_segment.hpp"

using namespace drainpipe;
using namespace drainpipe::test;
using Events = std::vector<std::uint64_t>;

TEST_SUITE("dispatch") {
    TEST_CASE("dispatch: three and two asked for, five events: three and two given") {
        ScratchSegment scratch("three-two", 16, 100, settings_for(2));
        Delivery first(scratch.get(), 0);
        Delivery second(scratch.get(), 1);
        CHECK(first.turn(0, 3, 9).is_empty());
        CHECK(second.turn(0, 2, 9).is_empty());
        push_many(scratch.get(), 5);
        CHECK(events_of(second.turn(0, 0, 9)) == Events{3, 4});
        CHECK(events_of(first.turn(0, 0, 9)) == Events{0, 1, 2});
    }

    TEST_CASE(
        "dispatch: shares are even, the largest demand is served first, of equals the lower") {
        ScratchSegment scratch("largest", 16, 100, settings_for(3));
        Delivery first(scratch.get(), 0);
        Delivery second(scratch.get(), 1);
        Delivery third(scratch.get(), 2);
        first.turn(0, 2, 9);
        second.turn(0, 3, 9);
        third.turn(0, 3, 9);
        push_many(scratch.get(), 4);
        CHECK(events_of(second.turn(0, 0, 1)) == Events{0});
        CHECK(events_of(second.turn(0, 0, 1)) == Events{1});
        CHECK(events_of(third.turn(0, 0, 9)) == Events{2, 3});
        CHECK(first.turn(0, 0, 9).is_empty());  // the others have theirs in hand
        push_many(scratch.get(), 1);
        CHECK(events_of(first.turn(0, 0, 9)) == Events{4});  // two asked for, one, and one
    }

    TEST_CASE("dispatch: no share is smaller than what one takes in hand, twice") {
        ScratchSegment scratch("least", 16, 100, settings_for(2));
        Delivery first(scratch.get(), 0);
        Delivery second(scratch.get(), 1);
        first.turn(0, 9, 9);
        second.turn(0, 9, 9);
        push_many(scratch.get(), 8);
        CHECK(first.turn(0, 0, 3).size() == 3);
        CHECK(first.turn(0, 0, 9).size() == 3);
        CHECK(second.turn(0, 0, 9).size() == 2);
    }

    TEST_CASE("dispatch: one with nothing to do takes half of what another has not in hand") {
        ScratchSegment scratch("idle", 16, 100, settings_for(2));
        Delivery busy(scratch.get(), 0);
        Delivery idle(scratch.get(), 1, none_is_gone, kTakeAtOnce);
        push_many(scratch.get(), 10);
        CHECK(begun(busy, busy.turn(0, 10, 3)) == Events{0, 1, 2});
        CHECK(idle.turn(0, 0, 9).is_empty());  // it has not asked
        CHECK(begun(idle, idle.turn(0, 9, 9)) == Events{6, 7, 8, 9});
        CHECK(begun(idle, idle.turn(4, 0, 9)) == Events{4, 5});
        CHECK(begun(busy, busy.turn(3, 0, 9)) == Events{3});
        CHECK(idle.turn(2, 0, 9).is_empty());
        CHECK(idle.attempt(9) == 1);
        push_many(scratch.get(), 6);
        // What was taken it had asked for: six more.
        CHECK(busy.turn(1, 0, 9).size() + idle.turn(0, 0, 9).size() == 6);
    }

    TEST_CASE("dispatch: it does so when it has had nothing for a moment, and wakes for it") {
        ScratchSegment scratch("idle-moment", 16, 100, settings_for(2));
        Delivery busy(scratch.get(), 0);
        Delivery idle(scratch.get(), 1, none_is_gone, std::chrono::hours(1));
        push_many(scratch.get(), 10);
        CHECK(begun(busy, busy.turn(0, 10, 3)) == Events{0, 1, 2});
        CHECK_FALSE(idle.next_time());
        CHECK(idle.turn(0, 9, 9).is_empty());
        CHECK(idle.next_time());
        CHECK(idle.turn(0, 0, 9).is_empty());
        CHECK(begun(busy, busy.turn(3, 0, 9)) == Events{3, 4, 5, 6, 7, 8, 9});
        busy.commit(7);
        CHECK(idle.turn(0, 0, 9).is_empty());
        CHECK_FALSE(idle.next_time());  // there is nothing to wait for

        Delivery other(scratch.get(), 2);
        push_many(scratch.get(), 1);
        CHECK(events_of(idle.turn(0, 0, 9)) == Events{10});
        push_many(scratch.get(), 4);
        CHECK(idle.turn(1, 4, 1).size() == 1);
        CHECK(other.turn(0, 1, 9).is_empty());
        CHECK(other.wait(9, [] { return false; }).size() == 1);
    }

    TEST_CASE("dispatch: in the drain what was in flight is taken before what is buffered") {
        ScratchSegment scratch("idle-drain", 16, 100, settings_for(2));
        Delivery busy(scratch.get(), 0);
        Delivery idle(scratch.get(), 1);
        push_many(scratch.get(), 8);
        CHECK(begun(busy, busy.turn(0, 5, 1)) == Events{0});
        idle.begin_drain();
        const auto chunk = idle.turn(0, 0, 9);
        CHECK(chunk.kind == CompletionKind::emptied);
        CHECK(begun(idle, chunk) == Events{3, 4});
        CHECK(begun(idle, idle.turn(2, 0, 9)) == Events{2});
        CHECK(begun(idle, idle.turn(1, 0, 9)) == Events{1});
        const auto buffered = idle.turn(1, 0, 9);
        CHECK(buffered.kind == CompletionKind::drained);
        CHECK(events_of(buffered) == Events{5});
    }

    TEST_CASE("dispatch: one that leaves takes its demand along") {
        ScratchSegment scratch("leaver", 16, 100, settings_for(2));
        Delivery first(scratch.get(), 0);
        Delivery second(scratch.get(), 1);
        first.turn(0, 5, 9);
        second.turn(0, 2, 9);
        first.leave();
        push_many(scratch.get(), 4);
        CHECK(events_of(second.turn(0, 0, 9)) == Events{0, 1});
        CHECK(scratch.get().states().at(2).is_waiting());
    }

    TEST_CASE("dispatch: so does one that dies, and its successor asks afresh") {
        ScratchSegment scratch("dead", 16, 100, settings_for(2));
        REQUIRE(was_killed(fork_to_die([&] { Delivery(scratch.get(), 0).turn(0, 5, 9); })));
        Delivery successor(scratch.get(), 0);
        CHECK(successor.taken_over() == 0);
        push_many(scratch.get(), 4);
        CHECK(successor.turn(0, 0, 9).is_empty());
        CHECK(successor.turn(0, 1, 9).size() == 1);
    }

    TEST_CASE("dispatch: one that hangs keeps what it was given, the others go on past it") {
        ScratchSegment scratch("hang", 8, 100, settings_for(2));
        Delivery hung(scratch.get(), 0);
        Delivery other(scratch.get(), 1);
        push_many(scratch.get(), 8);
        begin(hung, hung.turn(0, 2, 9));
        CHECK(begun(other, other.turn(0, 6, 9)) == Events{2, 3, 4, 5, 6, 7});
        other.commit(6);
        CHECK(scratch.header().head.load() == 0);
        CHECK(scratch.get().left() == 2);
        RingWriter writer(scratch.get());
        CHECK(push(writer, "y").outcome == RingWriter::Outcome::full);
        hung.commit(2);
        CHECK(scratch.header().head.load() == 8);
        CHECK(push(writer, "y").outcome == RingWriter::Outcome::pushed);
    }

    TEST_CASE("dispatch: what a leaver had not begun goes to the others, unmarked") {
        ScratchSegment scratch("back", 16, 100, settings_for(2));
        Delivery leaver(scratch.get(), 0);
        Delivery other(scratch.get(), 1);
        push_many(scratch.get(), 6);
        begin(leaver, leaver.turn(0, 4, 2));
        leaver.commit(2);
        other.turn(0, 9, 9);
        leaver.leave();
        CHECK(begun(other, other.turn(2, 0, 9)) == Events{2, 3});
        CHECK(other.attempt(2) == 1);
        other.commit(2);
        CHECK(scratch.get().left() == 0);
    }

    TEST_CASE("dispatch: what one had that is gone for good goes to the others, marked as begun") {
        ScratchSegment scratch("gone", 12, 100, settings_for(2));
        push_many(scratch.get(), 4);
        Delivery first(scratch.get(), 0, [](unsigned) { return true; });
        {
            Delivery second(scratch.get(), 1);
            const Delivery::Chunk chunk = second.turn(0, 8, 4);
            second.begin({0, 1});
            CHECK(chunk.size() == 4);
        }
        CHECK(first.turn(0, 4, 4).is_empty());  // one of that number is to come again
        scratch.get().scale(1);
        CHECK(begun(first, first.turn(0, 0, 4)) == Events{0, 1, 2, 3});
        CHECK(first.attempt(0) == 2);
        CHECK(first.attempt(1) == 1);
        CHECK(read_ledger(scratch.header()).redelivered == 1);
        push_many(scratch.get(), 4);
        first.turn(4, 0, 0);
        CHECK(first.turn(0, 4, 4).size() == 4);  // the gone one's demand is gone too
    }

    TEST_CASE("dispatch: the drain shares what is buffered, each event once") {
        ScratchSegment scratch("share", 64, 100, settings_for(2));
        Delivery first(scratch.get(), 0);
        Delivery second(scratch.get(), 1);
        push_many(scratch.get(), 40);
        first.turn(0, 4, 4);
        first.put_back();
        CHECK(first.begin_drain().in_flight == 4);
        CHECK(second.begin_drain().in_flight == 0);
        CHECK(first.turn(0, 0, 9).kind == CompletionKind::emptied);
        const auto share = second.turn(0, 0, 9);
        CHECK(share.kind == CompletionKind::drained);
        CHECK(events_of(share) == Events{4, 5, 6, 7, 8, 9, 10, 11, 12});
        CHECK(first.turn(4, 0, 9).size() == 6);  // a quarter of the 27
    }

    TEST_CASE("dispatch: events done behind others that were not are not done again by a new run") {
        ScratchSegment scratch("newrun", 16, 100, settings_for(2));
        push_many(scratch.get(), 6);
        {
            Delivery first(scratch.get(), 0);
            Delivery second(scratch.get(), 1);
            first.turn(0, 2, 9);
            begin(second, second.turn(0, 2, 9));
            second.commit(2);
        }
        scratch.get().begin_run(settings_for(1));
        CHECK(scratch.get().left() == 4);
        Delivery only(scratch.get(), 0);
        CHECK(begun(only, only.turn(0, 9, 9)) == Events{0, 1, 4, 5});
        only.commit(4);
        const Account account = account_of(scratch.header(), scratch.get().states());
        CHECK(account.accepted == 4);
        CHECK(account.processed == 4);
        CHECK(account.left == 0);
        CHECK(scratch.header().head.load() == 6);
    }

    TEST_CASE("dispatch: threads share a ring as processes do") {
        constexpr std::uint64_t kEvents = 20000;
        constexpr unsigned kConsumers = 3;
        for (const Dispatch dispatch :
             {Dispatch::demand, Dispatch::partition, Dispatch::broadcast}) {
            ScratchSegment scratch("shared", 256, 4096, settings_for(kConsumers, dispatch));
            std::atomic<std::uint64_t> done{0};
            const std::uint64_t all = kEvents * (dispatch == Dispatch::broadcast ? kConsumers : 1);
            std::vector<std::thread> consumers;
            for (unsigned number = 0; number < kConsumers; ++number) {
                consumers.emplace_back([&, number] {
                    Delivery reader(scratch.get(), number, none_is_gone, kTakeAtOnce);
                    std::uint64_t committed = 0;
                    std::uint64_t asked = 20;
                    while (done < all) {
                        auto chunk = reader.turn(committed, asked, 10);
                        if (chunk.is_empty()) {
                            chunk = reader.wait(10, [&] { return done >= all; });
                        }
                        for (const std::uint64_t event : begun(reader, chunk)) {
                            CHECK(reader.payload(event) == std::to_string(event));
                        }
                        committed = asked = chunk.size();
                        done += committed;
                    }
                    reader.commit(committed);
                });
            }
            RingWriter writer(scratch.get());
            for (std::uint64_t event = 0; event < kEvents; ++event) {
                const std::string payload = std::to_string(event);
                while (push(writer, payload).outcome == RingWriter::Outcome::full) {
                    writer.wait_for_room(payload.size(), [] { return false; });
                }
            }
            for (std::thread& consumer : consumers) {
                consumer.join();
            }
            CHECK(done == all);
            CHECK(scratch.get().left() == 0);
        }
    }
}
