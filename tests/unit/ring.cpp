#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "delivery.hpp"
#include "forked.hpp"
#include "ring_steps.hpp"
#include "ring_writer.hpp"
#include "scratch_segment.hpp"

using namespace drainpipe;
using namespace drainpipe::test;
using Outcome = RingWriter::Outcome;

namespace {

constexpr std::array<std::uint64_t, 7> kAlignments{1, 2, 4, 8, 16, 32, 64};

}  // namespace

TEST_SUITE("ring") {
    TEST_CASE("ring: payloads of any size come back unchanged, in order, over many wrap-arounds") {
        ScratchSegment scratch("sizes", 8, 10000);
        RingWriter writer(scratch.get());
        Delivery reader(scratch.get());
        const std::array<std::size_t, 6> sizes{0, 1, 7, 8, 4096, 10000};
        for (int round = 0; round < 300; ++round) {
            for (const std::size_t size : sizes) {
                const std::string payload(size, static_cast<char>('a' + round % 26));
                REQUIRE(push(writer, payload).outcome == Outcome::pushed);
                REQUIRE(take_all(reader, 1) == std::vector{payload});
            }
        }
    }

    TEST_CASE(
        "ring: one payload may fill the buffer to the last byte, wherever the last one ended") {
        ScratchSegment scratch("exact", 16, 4096);
        RingWriter writer(scratch.get());
        Delivery reader(scratch.get());
        REQUIRE(push(writer, "abc").outcome == Outcome::pushed);
        REQUIRE(take_all(reader, 1).size() == 1);
        const std::string whole(4096, 'x');
        CHECK(push(writer, whole).outcome == Outcome::pushed);
        CHECK(push(writer, "y").outcome == Outcome::full);
        CHECK(push(writer, "").outcome == Outcome::pushed);
        CHECK(take_all(reader, 2) == std::vector<std::string>{whole, ""});
    }

    TEST_CASE("ring: a payload as large as the buffer fits an empty ring at each alignment") {
        for (const std::uint64_t alignment : kAlignments) {
            for (const std::size_t bytes : {100, 4096}) {
                CAPTURE(alignment);
                CAPTURE(bytes);
                ScratchSegment scratch("largest", 16, bytes, settings_for(1), alignment);
                RingWriter writer(scratch.get());
                Delivery reader(scratch.get());
                for (const char* before : {"", "a", "ab", "abc"}) {
                    REQUIRE(push(writer, before).outcome == Outcome::pushed);
                    REQUIRE(take_all(reader, 1).size() == 1);
                    const std::string whole(bytes, 'x');
                    REQUIRE(writer.fits(bytes));
                    REQUIRE(writer.wait_for_room(bytes, [] { return false; }));
                    CHECK(push(writer, whole).outcome == Outcome::pushed);
                    CHECK(push(writer, "y").outcome == Outcome::full);
                    scratch.get().validate();
                    CHECK(take_all(reader, 1) == std::vector{whole});
                }
            }
        }
    }

    TEST_CASE("ring: an empty payload has to begin inside the buffer, as any other") {
        ScratchSegment scratch("empty", 16, 100, settings_for(1), 64);
        RingWriter writer(scratch.get());
        REQUIRE(push(writer, std::string(65, 'x')).outcome == Outcome::pushed);
        CHECK(push(writer, "").outcome == Outcome::full);
        Delivery reader(scratch.get());
        REQUIRE(take_all(reader, 1).size() == 1);
        CHECK(push(writer, "").outcome == Outcome::pushed);
    }

    TEST_CASE("ring: every payload begins at a multiple of the alignment, over many wrap-arounds") {
        for (const std::uint64_t alignment : kAlignments) {
            CAPTURE(alignment);
            ScratchSegment scratch("multiple", 8, 5000, settings_for(1), alignment);
            RingWriter writer(scratch.get());
            Delivery reader(scratch.get());
            for (std::uint64_t event = 0; event < 3000; ++event) {
                const std::string payload(event * 7 % 130, static_cast<char>('a' + event % 26));
                REQUIRE(push(writer, payload).outcome == Outcome::pushed);
                const auto place =
                    reinterpret_cast<std::uintptr_t>(scratch.get().payload(event).data());
                REQUIRE(place % alignment == 0);
                REQUIRE(take_all(reader, 1) == std::vector{payload});
            }
        }
    }

    TEST_CASE("ring: records pushed at once come back one by one, of any size, at each alignment") {
        for (const std::uint64_t alignment : kAlignments) {
            CAPTURE(alignment);
            ScratchSegment scratch("records", 64, 5000, settings_for(1), alignment);
            RingWriter writer(scratch.get());
            Delivery reader(scratch.get());
            for (const std::size_t bytes : {0, 1, 12, 16, 24, 64, 65}) {
                CAPTURE(bytes);
                for (char round = 'a'; round <= 'z'; ++round) {
                    std::string records;
                    std::vector<std::string> expected;
                    for (char number = 0; number < 7; ++number) {
                        expected.emplace_back(bytes, static_cast<char>(round + number));
                        records += expected.back();
                    }
                    const auto pushed = writer.push_records(records.data(), 7, bytes);
                    REQUIRE(pushed.outcome == Outcome::pushed);
                    REQUIRE(pushed.count == 7);
                    REQUIRE(take_all(reader, 7) == expected);
                }
            }
        }
    }

    TEST_CASE("ring: records of a size that is no multiple of the alignment each begin at one") {
        ScratchSegment scratch("uneven", 16, 4096, settings_for(1), 16);
        RingWriter writer(scratch.get());
        REQUIRE(writer.push_records("abcdefghijklmnopqrst", 4, 5).count == 4);
        for (std::uint64_t event = 0; event < 4; ++event) {
            CHECK(scratch.get().begin_of(event) == 16 * event);
            CHECK(scratch.get().slot(event).end == 16 * event + 5);
        }
        Delivery reader(scratch.get());
        CHECK(take_all(reader, 4) == std::vector<std::string>{"abcde", "fghij", "klmno", "pqrst"});
    }

    TEST_CASE("ring: of records that a full ring has no room for it says how many are in") {
        for (const std::uint64_t alignment : {1, 8, 16}) {  // in one piece, and one by one
            CAPTURE(alignment);
            ScratchSegment few("few", 3, 100, settings_for(1), alignment);
            RingWriter by_events(few.get());
            CHECK(by_events.push_records("11112222333344445555", 5, 4).count == 3);
            CHECK(by_events.push_records("44445555", 2, 4).count == 0);
            CHECK(by_events.push_records("44445555", 2, 4).outcome == Outcome::full);
            Delivery reader(few.get());
            CHECK(take_all(reader, 3) == std::vector<std::string>{"1111", "2222", "3333"});
            CHECK(by_events.push_records("44445555", 2, 4).outcome == Outcome::pushed);

            ScratchSegment small("small", 16, 50, settings_for(1), alignment);
            RingWriter by_bytes(small.get());
            const std::string records(64, 'r');
            CHECK(by_bytes.push_records(records.data(), 4, 16).count == 3);
            CHECK(by_bytes.push_records(records.data(), 1, 3).outcome == Outcome::full);
            CHECK(by_bytes.push_records(records.data(), 1, 2).outcome == Outcome::pushed);
        }
    }

    TEST_CASE("ring: records have their partitions, and are turned away by a closed intake") {
        ScratchSegment scratch("keyed", 16, 100, settings_for(2, Dispatch::partition));
        RingWriter writer(scratch.get());
        REQUIRE(push(writer, "ab").count == 1);
        REQUIRE(push(writer, "cd").count == 1);
        REQUIRE(writer.push_records("abcd", 2, 2).count == 2);
        CHECK(scratch.get().states().at(2) == scratch.get().states().at(0));
        CHECK(scratch.get().states().at(3) == scratch.get().states().at(1));
        CHECK(scratch.get().states().at(3) != scratch.get().states().at(2));
        writer.close_intake();
        CHECK(writer.push_records("abcd", 2, 2).outcome == Outcome::intake_closed);
        CHECK(scratch.header().tail.load() == 4);
    }

    TEST_CASE("ring: full by events and full by bytes are told, and what went in is counted") {
        ScratchSegment scratch("full", 3, 100);
        RingWriter writer(scratch.get());
        Delivery reader(scratch.get());
        const std::array<std::string_view, 5> five{"1", "2", "3", "4", "5"};
        const RingWriter::Pushed pushed = writer.push(five);
        CHECK(pushed.count == 3);
        CHECK(pushed.outcome == Outcome::full);
        CHECK(take_all(reader, 3) == std::vector<std::string>{"1", "2", "3"});

        const std::string most(99, 'm');
        CHECK(push(writer, most).outcome == Outcome::pushed);
        CHECK(push(writer, "ab").outcome == Outcome::full);
        CHECK(push(writer, "a").outcome == Outcome::pushed);
    }

    TEST_CASE("ring: a payload larger than the buffer never fits") {
        ScratchSegment scratch("large", 4, 100);
        const RingWriter writer(scratch.get());
        CHECK(writer.fits(100));
        CHECK_FALSE(writer.fits(101));
    }

    TEST_CASE("ring: once the intake is closed the tail never moves again") {
        ScratchSegment scratch("closed", 4, 100);
        RingWriter writer(scratch.get());
        REQUIRE(push(writer, "in").outcome == Outcome::pushed);
        CHECK(writer.close_intake());
        CHECK_FALSE(writer.close_intake());
        CHECK(push(writer, "out").outcome == Outcome::intake_closed);
        CHECK(scratch.header().tail.load() == 1);
    }

    TEST_CASE("ring: nothing is handed out without demand, and no more than was asked for") {
        ScratchSegment scratch("demand", 16, 100);
        RingWriter writer(scratch.get());
        Delivery reader(scratch.get());
        for (int event = 0; event < 10; ++event) {
            REQUIRE(push(writer, "x").outcome == Outcome::pushed);
        }
        CHECK(reader.turn(0, 0, 16).is_empty());
        const auto chunk = reader.turn(0, 4, 16);
        CHECK(chunk.size() == 4);
        begin(reader, chunk);
        CHECK(reader.turn(4, 0, 16).is_empty());
    }

    TEST_CASE("ring: a consumer killed before it commits leaves its events for the next one") {
        ScratchSegment scratch("uncommitted", 16, 100);
        RingWriter writer(scratch.get());
        for (const char* payload : {"a", "b", "c", "d"}) {
            REQUIRE(push(writer, payload).outcome == Outcome::pushed);
        }
        for (std::uint32_t deaths = 1; deaths <= 3; ++deaths) {
            REQUIRE(was_killed(fork_to_die([&] {
                Delivery doomed(scratch.get());
                begin(doomed, doomed.turn(0, deaths == 1 ? 4 : 0, 3));
            })));
        }
        Delivery next(scratch.get());
        const auto chunk = next.turn(0, 0, 4);
        REQUIRE(events_of(chunk) == std::vector<std::uint64_t>{0, 1, 2, 3});
        begin(next, chunk);
        CHECK(next.attempt(0) == 4);
        CHECK(next.attempt(2) == 4);
        CHECK(next.attempt(3) == 1);  // in flight, but nobody had begun it
        CHECK(read_ledger(scratch.header()).redelivered == 9);
    }

    TEST_CASE("ring: a consumer killed after it commits does not leave its events") {
        ScratchSegment scratch("committed", 16, 100);
        RingWriter writer(scratch.get());
        REQUIRE(push(writer, "a").outcome == Outcome::pushed);
        REQUIRE(push(writer, "b").outcome == Outcome::pushed);
        REQUIRE(was_killed(fork_to_die([&] {
            Delivery doomed(scratch.get());
            const auto chunk = doomed.turn(0, 2, 1);
            begin(doomed, chunk);
            doomed.commit(1);
        })));
        Delivery next(scratch.get());
        CHECK(read_ledger(scratch.header()).head == 1);
        const auto chunk = next.turn(0, 0, 4);
        REQUIRE(events_of(chunk) == std::vector<std::uint64_t>{1});
        begin(next, chunk);
        CHECK(next.payload(1) == "b");
        CHECK(next.attempt(1) == 1);
    }

    TEST_CASE("ring: a producer killed in the middle of a push has pushed nothing") {
        ScratchSegment scratch("halfpush", 16, 100);
        REQUIRE(was_killed(fork_to_die([&] {
            RingWriter doomed(scratch.get());
            static_cast<void>(push(doomed, "whole"));
            scratch.get().set_slot(1, {.end = 1000});  // what a push writes before the tail
        })));
        RingWriter writer(scratch.get());
        REQUIRE(push(writer, "next").outcome == Outcome::pushed);
        Delivery reader(scratch.get());
        CHECK(take_all(reader, 2) == std::vector<std::string>{"whole", "next"});
    }

    TEST_CASE("ring: the drain splits what is left into in flight and buffered, once") {
        ScratchSegment scratch("drain", 16, 100);
        RingWriter writer(scratch.get());
        for (int event = 0; event < 10; ++event) {
            REQUIRE(push(writer, "x").outcome == Outcome::pushed);
        }
        Delivery reader(scratch.get());
        begin(reader, reader.turn(0, 6, 2));
        reader.commit(2);
        const Delivery::Drain drain = reader.begin_drain();
        CHECK(drain.closed_intake);
        CHECK(drain.in_flight == 4);
        CHECK(drain.buffered == 4);
        const auto chunk = reader.turn(0, 0, 3);
        CHECK(chunk.kind == CompletionKind::emptied);
        begin(reader, chunk);
        CHECK(reader.turn(3, 0, 1).kind == CompletionKind::emptied);

        Delivery successor(scratch.get());
        const Delivery::Drain again = successor.begin_drain();
        CHECK_FALSE(again.closed_intake);
        CHECK(again.in_flight == 1);
        CHECK(events_of(successor.turn(0, 0, 9)) == std::vector<std::uint64_t>{5});
        const auto rest = successor.turn(1, 0, 9);
        CHECK(rest.kind == CompletionKind::drained);
        CHECK(rest.size() == 4);
        CHECK(successor.turn(4, 0, 9).is_empty());
        CHECK(successor.is_drained());
    }

    TEST_CASE("ring: what a killed consumer was draining its successor drains") {
        ScratchSegment scratch("redrain", 16, 100);
        RingWriter writer(scratch.get());
        for (int event = 0; event < 4; ++event) {
            REQUIRE(push(writer, "x").outcome == Outcome::pushed);
        }
        REQUIRE(was_killed(fork_to_die([&] {
            Delivery doomed(scratch.get());
            doomed.begin_drain();
            begin(doomed, doomed.turn(0, 0, 3));
        })));
        Delivery next(scratch.get());
        next.begin_drain();
        const auto chunk = next.turn(0, 0, 9);
        CHECK(chunk.kind == CompletionKind::drained);
        CHECK(chunk.size() == 3);
        begin(next, chunk);
        CHECK(next.attempt(2) == 2);
        CHECK(next.turn(3, 0, 9).size() == 1);
    }

    TEST_CASE("ring: a writer that waits for room is woken when events are committed") {
        ScratchSegment scratch("room", 2, 100);
        RingWriter writer(scratch.get());
        Delivery reader(scratch.get());
        REQUIRE(push(writer, "a").outcome == Outcome::pushed);
        REQUIRE(push(writer, "b").outcome == Outcome::pushed);
        std::thread consumer([&] { take_all(reader, 1); });
        CHECK(writer.wait_for_room(1, [] { return false; }));
        CHECK(push(writer, "c").outcome == Outcome::pushed);
        consumer.join();
    }

    TEST_CASE("ring: a writer waits for room no longer than until a given time") {
        using Clock = std::chrono::steady_clock;
        const auto never = [] { return false; };
        ScratchSegment scratch("until", 1, 100);
        RingWriter writer(scratch.get());
        REQUIRE(push(writer, "a").outcome == Outcome::pushed);
        const auto begin = Clock::now();
        CHECK_FALSE(writer.wait_for_room(1, never, begin));
        CHECK_FALSE(writer.wait_for_room(1, never, Clock::time_point::min()));
        CHECK(Clock::now() - begin < EventCount::kBackstop);
        for (const auto so_long : {std::chrono::milliseconds(5), 3 * EventCount::kBackstop / 2}) {
            const auto until = Clock::now() + so_long;
            CHECK_FALSE(writer.wait_for_room(1, never, until));
            CHECK(Clock::now() >= until);
        }
        CHECK_FALSE(writer.wait_for_room(
            1, [] { return true; }, Clock::time_point::max()));
        Delivery reader(scratch.get());
        REQUIRE(take_all(reader, 1).size() == 1);
        CHECK(writer.wait_for_room(1, never, begin));
    }

    TEST_CASE("ring: events pass from thread to thread as from process to process") {
        constexpr std::uint64_t kEvents = 20000;
        ScratchSegment scratch("threads", 64, 512);
        std::thread producer([&] {
            RingWriter writer(scratch.get());
            for (std::uint64_t event = 0; event < kEvents; ++event) {
                const std::string payload = std::to_string(event);
                while (push(writer, payload).outcome == Outcome::full) {
                    writer.wait_for_room(payload.size(), [] { return false; });
                }
            }
        });
        Delivery reader(scratch.get());
        std::uint64_t next = 0;
        std::uint64_t done = 0;
        std::uint64_t asked = 20;
        while (next < kEvents) {
            auto chunk = reader.turn(done, asked, 10);
            if (chunk.is_empty()) {
                chunk = reader.wait(10, [] { return false; });
            }
            done = asked = chunk.size();
            begin(reader, chunk);
            for (const std::uint64_t event : events_of(chunk)) {
                REQUIRE(reader.payload(event) == std::to_string(next));
                ++next;
            }
        }
        producer.join();
    }
}
