#include <doctest/doctest.h>

#include <array>
#include <string_view>

#include "gauge.hpp"
#include "ring_reader.hpp"
#include "ring_steps.hpp"
#include "ring_writer.hpp"
#include "scratch_segment.hpp"

using namespace drainpipe;
using drainpipe::test::begin;
using drainpipe::test::ScratchSegment;
using drainpipe::test::settings_for;

namespace {

bool holds(const Account& account) {
    return account.accepted == account.processed + account.emptied + account.drained + account.left;
}

}  // namespace

TEST_SUITE("account") {
    TEST_CASE("account: it holds at every step of a run, its drain and the next run") {
        ScratchSegment scratch("account", 32, 1000);
        const Gauge gauge(scratch.name());
        RingWriter writer(scratch.get());
        for (int event = 0; event < 20; ++event) {
            REQUIRE(writer.push(std::array<std::string_view, 1>{"x"}).count == 1);
        }
        RingReader reader(scratch.get());
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

    TEST_CASE("account: a gauge takes no lock") {
        ScratchSegment scratch("nolock", 4, 100);
        RobustLock lock(scratch.header().lock);
        lock.lock();
        CHECK(Gauge(scratch.name()).read().left == 0);
        lock.unlock();
    }
}
