#include <doctest/doctest.h>

#include <vector>

#include "forked.hpp"
#include "ring_steps.hpp"
#include "scratch_segment.hpp"

using namespace drainpipe;
using namespace drainpipe::test;
using Events = std::vector<std::uint64_t>;

TEST_SUITE("broadcast") {
    TEST_CASE("broadcast: every consumer gets every event, as many as the least has asked for") {
        ScratchSegment scratch("all", 16, 100, settings_for(2, Dispatch::broadcast));
        Delivery first(scratch.get(), 0);
        Delivery second(scratch.get(), 1);
        push_many(scratch.get(), 6);
        CHECK(first.turn(0, 5, 9).is_empty());  // the other one is silent
        CHECK(begun(second, second.turn(0, 3, 9)) == Events{0, 1, 2});
        CHECK(begun(first, first.turn(0, 0, 9)) == Events{0, 1, 2});
        first.commit(3);
        CHECK(scratch.header().head.load() == 0);
        second.commit(2);
        CHECK(scratch.header().head.load() == 2);
    }

    TEST_CASE("broadcast: one that leaves for good is no longer waited for") {
        ScratchSegment scratch("gone", 16, 100, settings_for(2, Dispatch::broadcast));
        Delivery first(scratch.get(), 0);
        Delivery second(scratch.get(), 1);
        push_many(scratch.get(), 4);
        first.turn(0, 4, 9);
        begin(first, first.turn(0, 0, 9));
        scratch.get().scale(1);
        second.leave();
        CHECK(begun(first, first.turn(0, 0, 9)) == Events{0, 1, 2, 3});
        first.commit(4);
        CHECK(scratch.header().head.load() == 4);
    }

    TEST_CASE("broadcast: one that died goes on where it stopped, what it had begun is marked") {
        ScratchSegment scratch("again", 16, 100, settings_for(2, Dispatch::broadcast));
        push_many(scratch.get(), 4);
        Delivery first(scratch.get(), 0);
        first.turn(0, 4, 9);
        REQUIRE(was_killed(fork_to_die([&] {
            Delivery doomed(scratch.get(), 1);
            begin(doomed, doomed.turn(0, 4, 3));
            doomed.commit(1);
        })));
        Delivery successor(scratch.get(), 1);
        CHECK(successor.taken_over() == 3);
        CHECK(begun(successor, successor.turn(0, 0, 9)) == Events{1, 2, 3});
        CHECK(successor.attempt(1) == 2);
        CHECK(successor.attempt(2) == 2);
        CHECK(successor.attempt(3) == 1);
        CHECK(read_ledger(scratch.header()).redelivered == 2);
    }

    TEST_CASE("broadcast: one that comes later gets what is given from then on") {
        ScratchSegment scratch("late", 16, 100, settings_for(1, Dispatch::broadcast));
        Delivery first(scratch.get(), 0);
        push_many(scratch.get(), 4);
        begin(first, first.turn(0, 2, 9));
        scratch.get().scale(2);
        Delivery late(scratch.get(), 1);
        late.turn(0, 4, 9);
        CHECK(events_of(late.turn(0, 0, 9)).empty());
        first.turn(2, 4, 9);
        CHECK(events_of(late.turn(0, 0, 9)) == Events{2, 3});
    }

    TEST_CASE("broadcast: a new run goes on where each consumer was") {
        ScratchSegment scratch("runs", 16, 100, settings_for(2, Dispatch::broadcast));
        push_many(scratch.get(), 4);
        {
            Delivery first(scratch.get(), 0);
            Delivery second(scratch.get(), 1);
            first.turn(0, 4, 9);
            second.turn(0, 4, 9);
            begin(first, first.turn(0, 0, 9));
            first.commit(3);
        }
        scratch.get().begin_run(settings_for(2, Dispatch::broadcast));
        Delivery first(scratch.get(), 0);
        Delivery second(scratch.get(), 1);
        first.turn(0, 1, 9);  // one is enough for the one that it has not done
        CHECK(events_of(second.turn(0, 4, 9)) == Events{0, 1, 2, 3});
        CHECK(events_of(first.turn(0, 0, 9)) == Events{3});
    }

    TEST_CASE("broadcast: what an earlier run has done costs no demand and frees its room") {
        ScratchSegment scratch("done", 12, 100, settings_for(2));
        push_many(scratch.get(), 12);
        {
            Delivery first(scratch.get(), 0);
            Delivery second(scratch.get(), 1);
            first.turn(0, 1, 1);
            begin(second, second.turn(0, 9, 9));
            second.commit(9);
        }
        scratch.get().begin_run(settings_for(1, Dispatch::broadcast));
        Delivery only(scratch.get(), 0);
        CHECK(begun(only, only.turn(0, 2, 9)) == Events{0, 10});
        only.commit(1);
        CHECK(scratch.header().head.load() == 10);
        CHECK(begun(only, only.turn(1, 2, 9)) == Events{11});
        only.commit(1);
        CHECK(scratch.get().left() == 0);
    }

    TEST_CASE("broadcast: what was begun is marked in a run with another dispatch, both ways") {
        ScratchSegment scratch("modes", 12, 100, settings_for(1, Dispatch::broadcast));
        push_many(scratch.get(), 4);
        Delivery first(scratch.get());
        begin(first, first.turn(0, 2, 2));
        scratch.get().begin_run(settings_for(1));
        CHECK(read_ledger(scratch.header()).redelivered == 2);
        Delivery second(scratch.get());
        begin(second, second.turn(0, 3, 3));
        CHECK(second.attempt(1) == 2);
        CHECK(second.attempt(2) == 1);
        scratch.get().begin_run(settings_for(1, Dispatch::broadcast));
        Delivery next(scratch.get());
        begin(next, next.turn(0, 4, 4));
        CHECK(next.attempt(1) == 3);
        CHECK(next.attempt(2) == 2);
        CHECK(next.attempt(3) == 1);
    }

    TEST_CASE("broadcast: a consumer that there is not to be is not waited for") {
        ScratchSegment scratch("stray", 12, 100, settings_for(1, Dispatch::broadcast));
        push_many(scratch.get(), 4);
        Delivery first(scratch.get(), 0);
        REQUIRE(was_killed(fork_to_die([&] { Delivery(scratch.get(), 4); })));
        begin(first, first.turn(0, 4, 4));
        first.commit(4);
        CHECK(scratch.header().head.load() == 4);
    }

    TEST_CASE("broadcast: one that is gone for good is no longer waited for") {
        ScratchSegment scratch("gone", 12, 100, settings_for(2, Dispatch::broadcast));
        push_many(scratch.get(), 4);
        Delivery first(scratch.get(), 0, [](unsigned) { return true; });
        { Delivery(scratch.get(), 1).turn(0, 2, 2); }
        CHECK(begun(first, first.turn(0, 12, 12)).size() == 2);
        scratch.get().scale(1);
        CHECK(first.turn(2, 0, 12).size() == 2);
        CHECK(scratch.header().head.load() == 2);
    }

    TEST_CASE("broadcast: an event counts for the time when the last consumer did it") {
        ScratchSegment scratch("last", 12, 100, settings_for(2, Dispatch::broadcast));
        push_many(scratch.get(), 3);
        Delivery first(scratch.get(), 0);
        Delivery second(scratch.get(), 1);
        first.turn(0, 4, 4);
        begin(second, second.turn(0, 4, 4));
        begin(first, first.turn(0, 0, 4));
        first.commit(3);
        first.begin_drain();
        second.commit(1);  // it has not seen the stop yet
        second.begin_drain();
        begin(second, second.turn(0, 0, 4));
        second.commit(2);
        const Ledger ledger = read_ledger(scratch.header());
        CHECK(ledger.done == decltype(ledger.done){1, 2, 0});
    }

    TEST_CASE("broadcast: a newcomer is not held to what its number had begun in another run") {
        ScratchSegment scratch("stale", 12, 100, settings_for(2, Dispatch::broadcast));
        push_many(scratch.get(), 4);
        {
            Delivery first(scratch.get(), 0);
            Delivery second(scratch.get(), 1);
            first.turn(0, 4, 4);
            begin(second, second.turn(0, 4, 4));
        }
        scratch.get().begin_run(settings_for(1, Dispatch::broadcast));
        scratch.get().scale(2);
        const std::uint64_t before = read_ledger(scratch.header()).redelivered;
        Delivery newcomer(scratch.get(), 1);
        CHECK(read_ledger(scratch.header()).redelivered == before);
    }
}
