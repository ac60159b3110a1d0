#include "settlement.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <set>

#include "account.hpp"
#include "tracked_steps.hpp"

namespace drainpipe::test {
namespace {

using EventFate = Settlement::Fate;

// Begins and ends the events of the chunk.
void do_all(Delivery& reader, const Delivery::Chunk& chunk) {
    const std::vector<std::uint64_t> events = events_of(chunk);
    begin_tries(reader, chunk);
    for (const std::uint64_t event : events) {
        reader.done({event, event + 1});
    }
    reader.commit(0);
}

}  // namespace

TEST_SUITE("settlement") {
    TEST_CASE("settlement: a trailer keeps payload, token, attributes and key apart") {
        std::string piece;
        TrailedPayload{.payload = "p", .token = "tt", .attributes = {"A=1\0", 4}, .key = 7}
            .append_to(piece);
        const TrailedPayload read = TrailedPayload::of(piece);
        CHECK(read.payload == "p");
        CHECK(read.token == "tt");
        CHECK(read.attributes == std::string_view("A=1\0", 4));
        CHECK(read.key == 7);
        CHECK(piece.size() == Trailer::size_with(1, 2, 4));
        CHECK(TrailedPayload::of("short").payload == "short");
        piece[piece.size() - 1] = '\xff';  // a size that is none
        CHECK(TrailedPayload::of(piece).payload == piece);
    }

    TEST_CASE("settlement: a consumer sees the payload alone, and its attributes") {
        ScratchSegment scratch("sees", tracked_geometry(8), tracked_settings());
        REQUIRE(push_tracked(scratch.get(), 2) == 2);
        Delivery reader(scratch.get());
        reader.turn(0, 8, 8);
        CHECK(reader.payload(1) == "event 1");
        CHECK(reader.attributes(1) == std::string_view("N=1\0", 4));
    }

    TEST_CASE("settlement: an event keeps its room until it is settled") {
        ScratchSegment scratch("room", tracked_geometry(4), tracked_settings());
        Settlement settlement(scratch.get());
        REQUIRE(push_tracked(scratch.get(), settlement, 4) == 4);
        Delivery reader(scratch.get());
        do_all(reader, reader.turn(0, 4, 4));
        CHECK(scratch.get().left() == 0);
        CHECK_FALSE(scratch.get().is_settled());
        CHECK(push_tracked(scratch.get(), settlement, 1) == 0);

        CHECK(numbers_of(settlement.take_ended()) == std::vector<std::uint64_t>{0, 1, 2, 3});
        CHECK(settlement.take_ended().empty());
        settlement.settle(std::array<std::uint64_t, 2>{1, 2});
        CHECK(push_tracked(scratch.get(), settlement, 1) == 0);
        settlement.settle(std::array<std::uint64_t, 1>{0});
        CHECK(settlement.settled() == 3);
        CHECK(push_tracked(scratch.get(), settlement, 4) == 3);
    }

    TEST_CASE("settlement: what ends out of order is told at once, each once, with its fate") {
        ScratchSegment scratch("fates", tracked_geometry(8), tracked_settings());
        Settlement settlement(scratch.get());
        REQUIRE(push_tracked(scratch.get(), settlement, 4) == 4);
        Delivery reader(scratch.get());
        begin_tries(reader, reader.turn(0, 4, 4));
        reader.dead(2);
        reader.commit(0);
        std::vector<Settlement::Ended> ended = settlement.take_ended();
        REQUIRE(ended.size() == 1);
        CHECK(ended[0].event == 2);
        CHECK(ended[0].fate == EventFate::dead);
        CHECK(settlement.has_ended());
        settlement.settle(std::array<std::uint64_t, 1>{2});
        CHECK_FALSE(settlement.has_ended());
        CHECK(settlement.held() == std::vector<std::uint64_t>{0, 1, 3});

        reader.done({0, 2});
        reader.done({3, 4});
        reader.commit(0);
        CHECK(numbers_of(settlement.take_ended()) == std::vector<std::uint64_t>{0, 1, 3});
        settlement.settle(std::array<std::uint64_t, 3>{3, 1, 0});
        CHECK(scratch.get().is_settled());
        const Account account = account_of(scratch.header(), scratch.get().states());
        CHECK(account.processed == 3);
        CHECK(account.dead == 1);
    }

    TEST_CASE("settlement: a withdrawn event is given back, and its key may come again") {
        ScratchSegment scratch("withdrawn", tracked_geometry(8), tracked_settings());
        Settlement settlement(scratch.get());
        REQUIRE(push_tracked(scratch.get(), settlement, 3) == 3);
        settlement.withdraw(std::array<std::uint64_t, 1>{1});
        CHECK(settlement.find(key_of(1)) == 1);
        Delivery reader(scratch.get());
        reader.turn(0, 8, 8);
        CHECK_FALSE(reader.is_withdrawn(0));
        REQUIRE(reader.is_withdrawn(1));
        reader.give_back(1);
        reader.commit(0);
        CHECK_FALSE(settlement.find(key_of(1)));
        const std::vector<Settlement::Ended> ended = settlement.take_ended();
        REQUIRE(ended.size() == 1);
        CHECK(ended[0].fate == EventFate::given_back);

        const Account account = account_of(scratch.header(), scratch.get().states());
        CHECK(account.accepted == 2);
        CHECK(account.left == 2);
        CHECK(account.given_back == 1);
    }

    TEST_CASE("settlement: one that waits for its retry is given back by who takes it over") {
        ScratchSegment scratch("retry", tracked_geometry(8), tracked_settings());
        Settlement settlement(scratch.get());
        REQUIRE(push_tracked(scratch.get(), settlement, 1) == 1);
        {
            Delivery reader(scratch.get());
            begin_tries(reader, reader.turn(0, 1, 1));
            reader.failed(0, Delivery::Clock::now() + std::chrono::hours(1));
            reader.commit(0);
        }
        settlement.withdraw(std::array<std::uint64_t, 1>{0});
        Delivery reader(scratch.get());
        reader.leave();
        Delivery successor(scratch.get());
        REQUIRE(events_of(successor.turn(0, 1, 1)) == std::vector<std::uint64_t>{0});
        successor.give_back(0);
        successor.commit(0);
        CHECK(settlement.fate_of(0) == EventFate::given_back);
    }

    TEST_CASE("settlement: without consumers all that is not done is given back") {
        ScratchSegment scratch("all", tracked_geometry(8), tracked_settings());
        Settlement settlement(scratch.get());
        REQUIRE(push_tracked(scratch.get(), settlement, 5) == 5);
        {
            Delivery reader(scratch.get());
            begin_tries(reader, reader.turn(0, 4, 4));
            reader.done({1, 2});
            reader.commit(0);
        }
        settlement.give_back_all();
        CHECK(scratch.get().left() == 0);
        CHECK(settlement.fate_of(1) == EventFate::done);
        CHECK(settlement.fate_of(4) == EventFate::given_back);
        CHECK(settlement.take_ended().size() == 5);
        const Account account = account_of(scratch.header(), scratch.get().states());
        CHECK(account.accepted == 1);
        CHECK(account.processed == 1);
        CHECK(account.given_back == 4);
    }

    TEST_CASE("settlement: a source that comes after finds what its predecessor had put in") {
        ScratchSegment scratch("successor", tracked_geometry(8), tracked_settings());
        {
            Settlement settlement(scratch.get());
            REQUIRE(push_tracked(scratch.get(), settlement, 6) == 6);
            Delivery reader(scratch.get());
            begin_tries(reader, reader.turn(0, 6, 6));
            reader.done({0, 2});
            reader.done({4, 5});
            reader.commit(0);
            settlement.take_ended();
            settlement.settle(std::array<std::uint64_t, 2>{0, 4});
        }
        Settlement settlement(scratch.get());
        CHECK(settlement.settled() == 1);
        CHECK(settlement.held() == std::vector<std::uint64_t>{1, 2, 3, 4, 5});
        CHECK(scratch.get().trailed_payload(3).token == token_of(3));
        // That one was told of 4 before, too; that is known to nobody else.
        CHECK(numbers_of(settlement.take_ended()) == std::vector<std::uint64_t>{1, 4});
        for (std::uint64_t event = 0; event < 6; ++event) {
            CHECK(settlement.find(key_of(event)) == event);
        }
    }

    TEST_CASE("settlement: a run on what another one left knows what was done, dead, given back") {
        ScratchSegment scratch("run", tracked_geometry(8), tracked_settings());
        {
            Settlement settlement(scratch.get());
            REQUIRE(push_tracked(scratch.get(), settlement, 5) == 5);
            settlement.withdraw(std::array<std::uint64_t, 1>{3});
            Delivery reader(scratch.get());
            begin_tries(reader, reader.turn(0, 5, 5));
            reader.done({0, 1});
            reader.dead(2);
            reader.give_back(3);
            reader.commit(0);
        }
        for (int run = 0; run < 2; ++run) {
            scratch.get().validate();
            scratch.get().begin_run(tracked_settings());
        }
        Settlement settlement(scratch.get());
        CHECK(settlement.fate_of(0) == EventFate::done);
        CHECK_FALSE(settlement.fate_of(1));
        CHECK(settlement.fate_of(2) == EventFate::dead);
        CHECK(settlement.fate_of(3) == EventFate::given_back);
        const Account account = account_of(scratch.header(), scratch.get().states());
        CHECK(account.accepted == 2);
        CHECK(account.left == 2);
    }

    TEST_CASE("settlement: keys are remembered for long, and never for another event") {
        constexpr std::uint64_t kCapacity = 100;
        ScratchSegment scratch("keys", tracked_geometry(kCapacity, 1 << 16), tracked_settings());
        const std::uint64_t slots = scratch.header().geometry.slots;
        CHECK(slots >= kCapacity + Geometry::kMinRemembered);
        Settlement settlement(scratch.get());
        Delivery reader(scratch.get());
        while (scratch.header().tail.load() < slots + 1000) {
            REQUIRE(push_tracked(scratch.get(), settlement, kCapacity) == kCapacity);
            do_all(reader, reader.turn(0, kCapacity, kCapacity));
            settlement.settle(numbers_of(settlement.take_ended()));
        }
        const std::uint64_t tail = scratch.header().tail.load();
        CHECK_FALSE(settlement.find(key_of(0)));
        CHECK(settlement.find(key_of(tail - 1)) == tail - 1);
        CHECK(settlement.find(key_of(tail - slots + kCapacity)) == tail - slots + kCapacity);
        const Settlement successor(scratch.get());
        CHECK(successor.find(key_of(tail - Geometry::kMinRemembered)) ==
              tail - Geometry::kMinRemembered);
        CHECK_FALSE(successor.find(key_of(tail - slots)));
    }

    TEST_CASE("settlement: events are done once and settled once, whoever dies in between") {
        // Deterministic: a random walk over steps of a source and a consumer that come and go.
        constexpr std::uint64_t kEvents = 400;
        ScratchSegment scratch("walk", tracked_geometry(16, 600), tracked_settings());
        std::multiset<std::uint64_t> done;
        std::set<std::uint64_t> told;
        unsigned random = 1;
        const auto next = [&](unsigned below) {
            random = random * 1664525 + 1013904223;
            return (random >> 16) % below;
        };
        while (scratch.header().settled.load() < kEvents) {
            Settlement settlement(scratch.get());
            Delivery reader(scratch.get());
            for (unsigned step = 0; step < 2 + next(6); ++step) {
                const std::uint64_t tail = scratch.header().tail.load();
                push_tracked(scratch.get(), settlement,
                             std::min<std::uint64_t>(next(5), kEvents - tail));
                const Delivery::Chunk chunk = reader.turn(0, next(6), 1 + next(4));
                const std::vector<std::uint64_t> events = events_of(chunk);
                begin_tries(reader, chunk);
                for (const std::uint64_t event : events) {
                    if (next(4) > 0) {
                        reader.done({event, event + 1});
                        done.insert(event);
                    } else {
                        reader.failed(event, Delivery::Clock::now());
                    }
                }
                reader.commit(0);
                for (const Settlement::Ended& ended : settlement.take_ended()) {
                    CHECK(ended.fate == EventFate::done);
                    told.insert(ended.event);
                    if (next(3) > 0) {
                        settlement.settle(std::array{ended.event});
                    }
                }
            }
            scratch.get().validate();
        }
        CHECK(done.size() == kEvents);
        CHECK(told.size() == kEvents);
        for (std::uint64_t event = 0; event < kEvents; ++event) {
            CHECK(done.count(event) == 1);
        }
    }
}

}  // namespace drainpipe::test
