#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <string>

#include "aftermath.hpp"
#include "delivery.hpp"
#include "fault_plan.hpp"
#include "forked.hpp"
#include "ring_steps.hpp"
#include "scenarios.hpp"
#include "scratch_segment.hpp"

using namespace drainpipe;
using namespace drainpipe::test;

namespace {

// What comes after a kill.
enum class Next {
    drain,    // of the run that is there
    go_on,    // with the run that is there
    new_run,  // on what the run has left
};

// A segment that a process was killed on, at one point of what it did.
class KilledOn {
  public:
    KilledOn(const Scenario& scenario, std::size_t point)
        : scratch_("fault", 16, 400, scenario.settings),
          was_beginning_run_(scenario.name.starts_with("begin a ")) {
        scenario.before(scratch_.get());
        announce_sleepers(scratch_.get());
        const std::uint64_t tail = scratch_.header().tail.load();
        REQUIRE(was_killed(fork_to_die([&] {
            FaultPlan::current().die_at(point);
            scenario.act(scratch_.get());
        })));
        // A push is in whole, or not at all.
        const std::uint64_t pushed = scratch_.header().tail.load() - tail;
        CHECK((pushed == 0 || pushed == 3));
    }

    void check(Next next) {
        Segment& segment = scratch_.get();
        if (next == Next::new_run || was_beginning_run_) {
            segment.begin_run(segment.header().settings);
        }
        check_state(segment);
        check_account(scratch_.name());
        if (next == Next::drain) {
            check_drains(segment);
        } else if (segment.header().intake_closed.load() == 0) {
            check_goes_on(segment, scratch_.name());
        }
        check_account(scratch_.name());
    }

  private:
    ScratchSegment scratch_;
    bool was_beginning_run_;
};

// Where the sources of the segment and the ring have a fault point: its own, or that of a call that
// changes shared memory and takes one.
std::set<PointName> points_in_sources() {
    const std::regex point(
        R"(FaultPoint::here\(\)\.reached|(\.|->)(store|add|set|fill|count_up|set_slot|write_payload)\()");
    std::set<PointName> points;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(std::string(DRAINPIPE_SOURCES) + "/shm")) {
        const std::string name = entry.path().filename().string();
        // What the points of others are reached in.
        const bool is_primitive = name == "shared_bytes.cpp" || name == "event_count.cpp";
        std::ifstream file(entry.path());
        std::string line;
        for (int number = 1; name.ends_with(".cpp") && std::getline(file, line); ++number) {
            if (!is_primitive && std::regex_search(line, point)) {
                points.insert(name + ":" + std::to_string(number));
            }
        }
    }
    return points;
}

}  // namespace

TEST_SUITE("fault") {
    TEST_CASE("fault: every change of shared memory in the sources is reached by a scenario") {
        std::set<PointName> reached;
        for (const Scenario& scenario : scenarios()) {
            walk_through(scenario, reached);
        }
        FaultPlan& plan = FaultPlan::current();
        plan.remember();
        { const ScratchSegment made("made", 16, 400); }
        reached.insert(plan.reached().begin(), plan.reached().end());
        plan.die_at(0);
        const std::set<PointName> points = points_in_sources();
        CHECK(points.size() > 40);
        for (const PointName& point : points) {
            CAPTURE(point);
            CHECK(reached.contains(point));
        }
    }

    TEST_CASE(
        "fault: a process killed at any point leaves lock, events, account and event counts "
        "whole") {
        std::set<PointName> reached;
        for (const Scenario& scenario : scenarios()) {
            CAPTURE(scenario.name);
            const std::size_t points = walk_through(scenario, reached);
            REQUIRE(points > 0);
            for (std::size_t point = 1; point <= points; ++point) {
                CAPTURE(point);
                for (const Next next : {Next::drain, Next::go_on, Next::new_run}) {
                    CAPTURE(static_cast<int>(next));
                    KilledOn(scenario, point).check(next);
                }
            }
        }
    }

    TEST_CASE("fault: a process killed at any point of a commit in a full ring leaves its room") {
        constexpr std::uint64_t kAll = 6;
        const auto commit_all = [](Segment& segment) {
            Delivery reader(segment);
            const Delivery::Chunk chunk = reader.turn(0, kAll, kAll);
            begin(reader, chunk);
            reader.commit(chunk.size());
        };
        FaultPlan& plan = FaultPlan::current();
        ScratchSegment whole("whole", kAll, 400);
        REQUIRE(push(whole.get(), kAll));
        plan.remember();
        commit_all(whole.get());
        const std::size_t points = plan.count();
        plan.die_at(0);
        for (std::size_t point = 1; point <= points; ++point) {
            CAPTURE(point);
            ScratchSegment scratch("full", kAll, 400);
            REQUIRE(push(scratch.get(), kAll));
            REQUIRE(was_killed(fork_to_die([&] {
                FaultPlan::current().die_at(point);
                commit_all(scratch.get());
            })));
            commit_all(scratch.get());
            CHECK(scratch.get().left() == 0);
            CHECK(push(scratch.get(), kAll));
        }
    }

    TEST_CASE("fault: a segment half made at any point is taken over, and a made one is ready") {
        const std::string name = scratch_name("making");
        const Geometry geometry = Geometry::of(8, 200);
        FaultPlan& plan = FaultPlan::current();
        plan.remember();
        Segment::make(name, geometry);
        const std::size_t points = plan.count();
        plan.die_at(0);
        Segment::remove(name);
        for (std::size_t point = 1; point <= points; ++point) {
            CAPTURE(point);
            REQUIRE(was_killed(fork_to_die([&] {
                FaultPlan::current().die_at(point);
                Segment::make(name, geometry);
            })));
            const Standing standing = inspect_segment(name);
            CHECK((standing == Standing::ready) == (point == points));
            Segment::remove(name);
            Segment segment = Segment::make(name, geometry);
            segment.begin_run(settings_for(1));
            CHECK(push(segment, 1));
            check_state(segment);
            Segment::remove(name);
        }
    }
}
