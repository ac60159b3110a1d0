#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <string_view>
#include <thread>
#include <vector>

#include "delivery.hpp"
#include "gauge.hpp"
#include "ring_steps.hpp"
#include "ring_writer.hpp"
#include "scratch_segment.hpp"

using namespace drainpipe;
using drainpipe::test::begin;
using drainpipe::test::ScratchSegment;
using drainpipe::test::settings_for;

namespace {

bool holds(const Account& account) {
    return account.accepted ==
           account.processed + account.emptied + account.drained + account.dead + account.left;
}

// Two consumers that go on and on, the second one done first: the head passes what it finds done.
// What is known to be so far is counted on both sides of it.
struct Work {
    std::atomic<std::uint64_t> begun_pushing = 0;
    std::atomic<std::uint64_t> pushed = 0;
    std::atomic<std::uint64_t> begun_committing = 0;
    std::atomic<std::uint64_t> done = 0;
    std::atomic<bool> is_over = false;

    void do_rounds(Segment& segment, int rounds) {
        constexpr std::uint64_t kEach = 256;
        const std::vector<std::string_view> payloads(2 * kEach, "x");
        RingWriter writer(segment);
        Delivery first(segment, 0);
        Delivery second(segment, 1);
        for (int round = 0; round < rounds; ++round) {
            begun_pushing += payloads.size();
            REQUIRE(writer.push(payloads).count == payloads.size());
            pushed += payloads.size();
            first.turn(0, kEach, kEach);
            second.turn(0, kEach, kEach);
            first.turn(0, 0, kEach);
            for (Delivery* const reader : {&second, &first}) {
                begun_committing += kEach;
                reader->commit(kEach);
                done += kEach;
            }
        }
        is_over = true;
    }
};

}  // namespace

TEST_SUITE("account") {
    TEST_CASE("account: it holds at every step of a run, its drain and the next run") {
        ScratchSegment scratch("account", 32, 1000);
        const Gauge gauge(scratch.name());
        RingWriter writer(scratch.get());
        for (int event = 0; event < 20; ++event) {
            REQUIRE(writer.push(std::array<std::string_view, 1>{"x"}).count == 1);
        }
        Delivery reader(scratch.get());
        begin(reader, reader.turn(0, 10, 4));
        reader.commit(4);
        CHECK(gauge.read().processed == 4);
        CHECK(gauge.read().in_flight == 6);
        CHECK(gauge.read().buffered == 10);

        reader.begin_drain();
        begin(reader, reader.turn(0, 0, 10));
        begin(reader, reader.turn(6, 0, 5));
        reader.commit(3);
        Account account = gauge.read();
        CHECK(account.processed == 4);
        CHECK(account.emptied == 6);
        CHECK(account.drained == 3);
        CHECK(account.left == 7);
        CHECK(holds(account));

        scratch.get().begin_run(settings_for(1));
        account = gauge.read();
        CHECK(account.accepted == 7);
        CHECK(account.left == 7);
        CHECK(account.in_flight == 0);
        CHECK(holds(account));
    }

    TEST_CASE("account: it holds, and nothing done is left, while consumers commit beside it") {
        ScratchSegment scratch("beside", 512, 1000, settings_for(2));
        // Through the same mapping: the thread sanitizer knows memory by its address.
        const EventStates states = scratch.get().states();
        Work work;
        const std::jthread worker([&] { work.do_rounds(scratch.get(), 40'000); });
        std::uint64_t faults = 0;
        while (!work.is_over) {
            const std::uint64_t done_before = work.done;
            const std::uint64_t pushed_before = work.pushed;
            const Account account = account_of(scratch.header(), states);
            const std::uint64_t done = account.accepted - account.left;
            const bool is_possible = account.accepted >= pushed_before &&
                                     account.accepted <= work.begun_pushing &&
                                     done >= done_before && done <= work.begun_committing &&
                                     account.in_flight + account.buffered == account.left;
            faults += holds(account) && is_possible ? 0 : 1;
        }
        CHECK(faults == 0);
    }

    TEST_CASE("account: a snapshot's parts add up, in every one of 100 000 taken under load") {
        ScratchSegment scratch("snapshot", 512, 1000, settings_for(2));
        const SegmentFront front = scratch.get().front();
        Work work;
        const std::jthread worker([&] { work.do_rounds(scratch.get(), 10'000); });
        std::uint64_t samples = 0;
        std::uint64_t faults = 0;
        while (!work.is_over || samples < 100'000) {
            const Snapshot snapshot = snapshot_of(front);
            std::uint64_t in_flight = 0;
            std::uint64_t demand = 0;
            for (const Snapshot::Consumer& consumer : snapshot.consumers) {
                in_flight += consumer.in_flight;
                demand += consumer.demand;
            }
            const Account& account = snapshot.account;
            const bool adds_up = holds(account) && in_flight == account.in_flight &&
                                 demand == snapshot.demand &&
                                 account.in_flight + account.buffered == account.left &&
                                 snapshot.buffer_used_bytes == snapshot.tail - snapshot.head;
            faults += adds_up ? 0 : 1;
            ++samples;
        }
        CHECK(faults == 0);
    }

    TEST_CASE("account: a snapshot knows what each consumer has, asks for and waits with") {
        Settings settings = settings_for(2);
        settings.work = WorkKind::exec;
        ScratchSegment scratch("consumers", 32, 1000, settings);
        RingWriter writer(scratch.get());
        for (int event = 0; event < 10; ++event) {
            REQUIRE(writer.push(std::array<std::string_view, 1>{"four"}).count == 1);
        }
        Delivery first(scratch.get(), 0);
        Delivery second(scratch.get(), 1);
        first.turn(0, 4, 4);
        second.turn(0, 8, 4);
        const Snapshot snapshot = Gauge(scratch.name()).snapshot();
        CHECK(snapshot.consumers[0].in_flight == 4);
        CHECK(snapshot.consumers[1].in_flight == 6);
        CHECK(snapshot.consumers[1].demand == 2);
        CHECK(snapshot.demand == 2);
        CHECK(snapshot.buffer_used_bytes == 40);
        CHECK(snapshot.retrying == 0);
        scratch.get().set_retry_time(2, 8);
        CHECK(Gauge(scratch.name()).snapshot().retrying == 1);
    }

    TEST_CASE("account: a gauge takes no lock") {
        ScratchSegment scratch("nolock", 4, 100);
        RobustLock lock(scratch.header().lock);
        lock.lock();
        CHECK(Gauge(scratch.name()).read().left == 0);
        lock.unlock();
    }
}
