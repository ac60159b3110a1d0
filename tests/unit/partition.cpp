#include "partition.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "ring_steps.hpp"
#include "scratch_segment.hpp"

using namespace drainpipe;
using namespace drainpipe::test;
using Events = std::vector<std::uint64_t>;

namespace {

// Does what there is for it in the drain; how many events that were.
std::uint64_t drained(Delivery& reader) {
    std::uint64_t all = 0;
    for (std::uint64_t done = 0;; all += done) {
        const Delivery::Chunk chunk = reader.turn(done, 0, 4);
        begin(reader, chunk);
        done = chunk.size();
        if (done == 0) {
            return all;
        }
    }
}

}  // namespace

TEST_SUITE("partition") {
    TEST_CASE("partition: fields are split at white space, or at a character") {
        CHECK(field_of("  a  b\tc ", 1, -1) == "a");
        CHECK(field_of("  a  b\tc ", 2, -1) == "b");
        CHECK(field_of("  a  b\tc ", 3, -1) == "c");
        CHECK(field_of("  a  b\tc ", 4, -1) == "");
        CHECK(field_of("a,,c", 1, ',') == "a");
        CHECK(field_of("a,,c", 2, ',') == "");
        CHECK(field_of("a,,c", 3, ',') == "c");
        CHECK(field_of("a,,c", 4, ',') == "");
        CHECK(field_of("", 1, -1) == "");
    }

    TEST_CASE("partition: all events with a key are one consumer's, also across a resize") {
        ScratchSegment scratch("keys", 64, 1000, settings_for(1, Dispatch::partition));
        RingWriter writer(scratch.get());
        const auto push_keys = [&] {
            for (const char* key : {"a 1", "b 1", "c 1", "d 1", "a 2", "b 2", "c 2", "d 2"}) {
                REQUIRE(push(writer, key).count == 1);
            }
        };
        const auto key_of = [&](std::uint64_t event) { return scratch.get().payload(event)[0]; };
        Delivery first(scratch.get(), 0);
        push_keys();
        CHECK(begun(first, first.turn(0, 8, 1)) == Events{0});  // all eight are in flight

        scratch.get().scale(2);
        Delivery second(scratch.get(), 1);
        push_keys();
        CHECK(second.turn(0, 64, 64).is_empty());  // nothing of the first one's before it gives it
        const Events firsts = begun(first, first.turn(1, 64, 64));
        const Events seconds = begun(second, second.turn(0, 0, 64));
        CHECK(firsts.size() + seconds.size() == 15);
        CHECK_FALSE(seconds.empty());
        for (const std::uint64_t one : firsts) {
            for (const std::uint64_t other : seconds) {
                CHECK(key_of(one) != key_of(other));
            }
        }
        CHECK(std::is_sorted(seconds.begin(), seconds.end()));

        scratch.get().scale(1);
        first.commit(firsts.size());
        second.commit(2);
        second.leave();
        CHECK(begun(first, first.turn(0, 0, 64)) == Events(seconds.begin() + 2, seconds.end()));
    }

    TEST_CASE("partition: what a consumer had that is gone for good is for those that are left") {
        ScratchSegment scratch("gone", 64, 1000, settings_for(2, Dispatch::partition));
        RingWriter writer(scratch.get());
        bool is_gone = false;
        Delivery first(scratch.get(), 0, [&](unsigned) { return is_gone; });
        {
            Delivery second(scratch.get(), 1);
            for (char key = 'a'; key <= 'p'; ++key) {
                REQUIRE(push(writer, std::string(1, key)).count == 1);
            }
            CHECK_FALSE(begun(second, second.turn(0, 2, 2)).empty());
        }
        const Events own = begun(first, first.turn(0, 64, 64));
        scratch.get().scale(1);
        CHECK(first.turn(own.size(), 0, 64).is_empty());  // it may be about to leave
        is_gone = true;
        const Events others = begun(first, first.turn(0, 0, 64));
        CHECK(own.size() + others.size() == 16);
        CHECK(std::is_sorted(others.begin(), others.end()));
        CHECK(first.attempt(others[0]) == 2);
        CHECK(first.attempt(others[1]) == 2);
        CHECK(first.attempt(others[2]) == 1);
    }

    TEST_CASE("partition: where nobody is started any more it is for them in any number") {
        ScratchSegment scratch("nobody", 64, 1000, settings_for(3, Dispatch::partition));
        RingWriter writer(scratch.get());
        for (char key = 'a'; key <= 'p'; ++key) {
            REQUIRE(push(writer, std::string(1, key)).count == 1);
        }
        Delivery only(scratch.get(), 1, [](unsigned) { return true; });
        only.begin_drain();
        CHECK(drained(only) < 16);
        only.expect_no_other();
        drained(only);
        CHECK(scratch.get().left() == 0);
    }

    TEST_CASE("partition: that holds for numbers that came after the last look, too") {
        ScratchSegment scratch("later", 64, 1000, settings_for(1, Dispatch::partition));
        RingWriter writer(scratch.get());
        Delivery only(scratch.get(), 0, [](unsigned) { return true; });
        scratch.get().scale(2);
        CHECK(only.turn(0, 4, 4).is_empty());
        for (char key = 'a'; key <= 'p'; ++key) {
            REQUIRE(push(writer, std::string(1, key)).count == 1);
        }
        { Delivery(scratch.get(), 1).turn(0, 2, 2); }
        only.begin_drain();
        only.expect_no_other();
        drained(only);
        CHECK(scratch.get().left() == 0);
    }

    TEST_CASE("partition: what goes to another is asked for again") {
        ScratchSegment scratch("again", 64, 1000, settings_for(1, Dispatch::partition));
        RingWriter writer(scratch.get());
        Delivery first(scratch.get(), 0);
        for (char key = 'a'; key <= 'h'; ++key) {
            REQUIRE(push(writer, std::string(1, key)).count == 1);
        }
        CHECK(begun(first, first.turn(0, 8, 1)).size() == 1);  // all eight are in flight
        scratch.get().scale(2);
        Delivery second(scratch.get(), 1);
        std::uint64_t own = 1 + begun(first, first.turn(1, 0, 64)).size();
        for (char key = 'a'; key <= 'p'; ++key) {
            REQUIRE(push(writer, std::string(1, key)).count == 1);
        }
        own += begun(first, first.turn(own - 1, 0, 64)).size();
        CHECK(own == 8);
    }

    TEST_CASE("partition: what is another's is looked at once") {
        ScratchSegment scratch("once", 64, 1000, settings_for(2, Dispatch::partition));
        RingWriter writer(scratch.get());
        for (int event = 0; event < 10; ++event) {
            REQUIRE(push(writer, "key").count == 1);
        }
        const unsigned owner = scratch.get().states().at(0).partition() % 2;
        Delivery other(scratch.get(), 1 - owner);
        CHECK(other.turn(0, 4, 4).is_empty());
        CHECK(scratch.header()
                  .ledgers[scratch.header().ledger_changes.load() % 2]
                  .consumer_states[1 - owner]
                  .next == 10);
    }
}
