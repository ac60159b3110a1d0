// Kills where a source settles events: of the source, of the consumer, and of the launcher that
// begins the next run.

#include "settling.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <string>
#include <vector>

#include "account.hpp"
#include "forked.hpp"
#include "tracked_steps.hpp"

namespace drainpipe::test {
namespace {

constexpr std::uint64_t kCapacity = 12;

struct Step {
    std::string name;
    std::function<void(Segment&)> act;
};

// Of six events 0 and 3 are done, 1 is dead, 2 was withdrawn, 4 is under way, 5 waits.
void with_fates(Segment& segment) {
    Settlement settlement(segment);
    REQUIRE(push_tracked(segment, settlement, 6) == 6);
    settlement.withdraw(std::array<std::uint64_t, 1>{2});
    Delivery reader(segment);
    begin_tries(reader, reader.turn(0, 5, 2));
    begin_tries(reader, reader.turn(0, 0, 1));
    reader.turn(0, 0, 2);
    reader.begin_attempt(3);
    reader.begin_attempt(4);
    reader.done({0, 1});
    reader.dead(1);
    reader.done({3, 4});
    reader.commit(0);
}

void settle_all(Settlement& settlement) {
    std::vector<std::uint64_t> events = numbers_of(settlement.take_ended());
    std::ranges::reverse(events);
    settlement.settle(events);
}

// Does and settles what there is, until nothing is left; how many were done.
std::uint64_t finish(Segment& segment) {
    Settlement settlement(segment);
    Delivery reader(segment);
    std::uint64_t done = 0;
    while (segment.left() > 0) {
        for (const std::uint64_t event : events_of(reader.turn(0, 4, 4))) {
            if (reader.is_withdrawn(event)) {
                reader.give_back(event);
                continue;
            }
            reader.begin_attempt(event);
            reader.done({event, event + 1});
            ++done;
        }
        reader.commit(0);
        settle_all(settlement);
    }
    settle_all(settlement);
    return done;
}

std::vector<Step> steps() {
    return {
        {"put in", [](Segment& segment) { push_tracked(segment, 3); }},
        {"settle",
         [](Segment& segment) {
             Settlement settlement(segment);
             settle_all(settlement);
         }},
        {"withdraw",
         [](Segment& segment) { Settlement(segment).withdraw(std::array<std::uint64_t, 1>{5}); }},
        {"give all back", [](Segment& segment) { Settlement(segment).give_back_all(); }},
        {"lease", [](Segment& segment) { Settlement(segment).set_lease(std::chrono::seconds(1)); }},
        {"give back what was withdrawn", [](Segment& segment) { finish(segment); }},
        {"begin a run", [](Segment& segment) { segment.begin_run(tracked_settings()); }},
    };
}

// Whatever was killed where: each event gets one fate, its key is known unless it was given back,
// and all room is free in the end.
void check_whole(Segment& segment, bool in_new_run) {
    segment.validate();
    if (in_new_run) {
        segment.begin_run(tracked_settings());
    }
    const std::uint64_t tail = segment.header().tail.load();
    finish(segment);
    CHECK(segment.left() == 0);
    REQUIRE(segment.is_settled());
    const Account account = account_of(segment.header(), segment.states());
    CHECK(account.accepted == account.done() + account.dead);
    const Settlement settlement(segment);
    for (const std::uint64_t event : {0, 1, 3}) {
        CAPTURE(event);
        CHECK(settlement.find(key_of(event)) == event);
    }
    CHECK_FALSE(settlement.find(key_of(2)));
    CHECK(push_tracked(segment, kCapacity) == kCapacity);
    CHECK(segment.header().tail.load() == tail + kCapacity);
}

}  // namespace

void walk_through_settling(std::set<PointName>& reached) {
    FaultPlan& plan = FaultPlan::current();
    for (const Step& step : steps()) {
        ScratchSegment scratch("walk", tracked_geometry(kCapacity), tracked_settings());
        plan.remember();
        with_fates(scratch.get());
        scratch.header().room_available.prepare_wait();
        step.act(scratch.get());
        reached.insert(plan.reached().begin(), plan.reached().end());
        plan.die_at(0);
    }
}

TEST_SUITE("fault_settling") {
    TEST_CASE("fault: a process killed at any point of settling leaves each event one fate") {
        FaultPlan& plan = FaultPlan::current();
        for (const Step& step : steps()) {
            CAPTURE(step.name);
            ScratchSegment whole("whole", tracked_geometry(kCapacity), tracked_settings());
            with_fates(whole.get());
            plan.remember();
            step.act(whole.get());
            const std::size_t points = plan.count();
            plan.die_at(0);
            REQUIRE(points > 0);
            for (std::size_t point = 1; point <= points; ++point) {
                CAPTURE(point);
                for (const bool in_new_run : {false, true}) {
                    CAPTURE(in_new_run);
                    ScratchSegment scratch("fault", tracked_geometry(kCapacity),
                                           tracked_settings());
                    with_fates(scratch.get());
                    REQUIRE(was_killed(fork_to_die([&] {
                        FaultPlan::current().die_at(point);
                        step.act(scratch.get());
                    })));
                    check_whole(scratch.get(), in_new_run || step.name == "begin a run");
                }
            }
        }
    }
}

}  // namespace drainpipe::test
