#include <doctest/doctest.h>
#include <sys/mman.h>

#include <array>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <new>
#include <optional>
#include <regex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "aftermath.hpp"
#include "crew.hpp"
#include "delivery.hpp"
#include "fault_plan.hpp"
#include "forked.hpp"
#include "gauge.hpp"
#include "ring_steps.hpp"
#include "scenarios.hpp"
#include "scratch_segment.hpp"
#include "settling.hpp"

using namespace drainpipe;
using namespace drainpipe::test;

namespace {

// What comes after a kill.
enum class Next {
    drain,    // of the run that is there
    go_on,    // with the run that is there
    new_run,  // on what the run has left
};

// Whether it takes a new run to make the segment whole, or to have all given out that is left.
bool needs_new_run(const Scenario& scenario) {
    return scenario.name.starts_with("begin a ") || scenario.name.starts_with("fail in the drain");
}

// A segment that a process was killed on, at one point of what it did.
class KilledOn {
  public:
    KilledOn(const Scenario& scenario, std::size_t point)
        : scratch_("fault", 16, 400, scenario.settings, scenario.alignment),
          needs_new_run_(needs_new_run(scenario)) {
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
        if (next == Next::new_run || needs_new_run_) {
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
    bool needs_new_run_;
};

// Where the sources of the segment and the ring have a fault point: its own, or that of a call that
// changes shared memory and takes one.
std::set<PointName> points_in_sources() {
    const std::regex point(
        R"(FaultPoint::here\(\)\.reached|(\.|->)(store|add|set|fill|count_up|set_slots?|set_key|set_retry_time|write_payload)\()");
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

// Kills at each point of each of these scenarios, with all that may come after.
void check_kills(const std::function<bool(const Scenario&)>& is_meant) {
    std::set<PointName> reached;
    for (const Scenario& scenario : scenarios()) {
        if (!is_meant(scenario)) {
            continue;
        }
        CAPTURE(scenario.name);
        const std::size_t points = walk_through(scenario, reached);
        REQUIRE(points > 0);
        for (std::size_t point = 1; point <= points; ++point) {
            CAPTURE(point);
            // Where a new run begins anyway, the last two are the same.
            for (const Next next : {Next::drain, Next::go_on, Next::new_run}) {
                if (next != Next::go_on || !needs_new_run(scenario)) {
                    CAPTURE(static_cast<int>(next));
                    KilledOn(scenario, point).check(next);
                }
            }
        }
    }
}

}  // namespace

TEST_SUITE("fault") {
    TEST_CASE("fault: every change of shared memory in the sources is reached by a scenario") {
        std::set<PointName> reached;
        for (const Scenario& scenario : scenarios()) {
            walk_through(scenario, reached);
        }
        walk_through_settling(reached);
        FaultPlan& plan = FaultPlan::current();
        plan.remember();
        {
            ScratchSegment made("made", 16, 400);
            made.get().begin_run(settings_for(1), FileIdentity{1, 17});
            REQUIRE(push(made.get(), 1));
            made.get().begin_run(settings_for(1));
            made.get().begin_run(settings_for(1), FileIdentity{1, 17});
            made.get().make_successor(made.name(), Geometry::of(8, 200));
        }
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
        check_kills([](const Scenario& scenario) { return !scenario.settings.may_fail(); });
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

    TEST_CASE("fault: a launcher killed at any point of a begin knows how far each file is") {
        constexpr FileIdentity kFile{1, 17};
        struct Step {
            std::optional<FileIdentity> before;  // of the run that accepted two lines or events
            std::optional<FileIdentity> between;
            std::optional<FileIdentity> act;
            std::uint64_t lines;  // of kFile in the end
        };
        const std::vector<Step> steps = {
            {std::nullopt, std::nullopt, kFile, 0}, {kFile, kFile, kFile, 3},
            {kFile, std::nullopt, kFile, 2},        {kFile, kFile, std::nullopt, 3},
            {kFile, std::nullopt, std::nullopt, 2},
        };
        const auto prepare = [](Segment& segment, const Step& step) {
            REQUIRE(push(segment, 1));
            segment.begin_run(settings_for(1), step.before);
            REQUIRE(push(segment, 2));
            segment.begin_run(settings_for(1), step.between);
            REQUIRE(push(segment, 1));
        };
        FaultPlan& plan = FaultPlan::current();
        for (const Step& step : steps) {
            CAPTURE(&step - steps.data());
            ScratchSegment whole("begun", 16, 400);
            prepare(whole.get(), step);
            plan.remember();
            whole.get().begin_run(settings_for(1), step.act);
            const std::size_t points = plan.count();
            plan.die_at(0);
            for (std::size_t point = 1; point <= points; ++point) {
                CAPTURE(point);
                // By the same command, or by another one and then the same.
                for (const auto& after : {step.act, std::optional<FileIdentity>()}) {
                    ScratchSegment scratch("begin", 16, 400);
                    prepare(scratch.get(), step);
                    REQUIRE(was_killed(fork_to_die([&] {
                        FaultPlan::current().die_at(point);
                        scratch.get().begin_run(settings_for(1), step.act);
                    })));
                    scratch.get().begin_run(settings_for(1), after);
                    scratch.get().begin_run(settings_for(1), step.act);
                    const auto progress = file_progress_of(scratch.header());
                    CHECK((progress ? progress->lines : 0) == step.lines);
                    CHECK((!progress || progress->file == kFile));
                    check_state(scratch.get());
                }
            }
        }
    }

    TEST_CASE(
        "fault: a launcher killed while it makes a segment anew leaves the one or the other") {
        const auto prepare = [](ScratchSegment& scratch) {
            scratch.get().begin_run(settings_for(1), FileIdentity{1, 17});
            REQUIRE(push(scratch.get(), 3));
            static_cast<void>(drained_by(scratch.get(), 0));
        };
        const Geometry geometry = Geometry::of(8, 200);
        FaultPlan& plan = FaultPlan::current();
        ScratchSegment whole("whole", 16, 400);
        prepare(whole);
        plan.remember();
        whole.get().make_successor(whole.name(), geometry);
        const std::size_t points = plan.count();
        plan.die_at(0);
        for (std::size_t point = 1; point <= points; ++point) {
            CAPTURE(point);
            ScratchSegment scratch("anew", 16, 400);
            prepare(scratch);
            REQUIRE(was_killed(fork_to_die([&] {
                FaultPlan::current().die_at(point);
                scratch.get().make_successor(scratch.name(), geometry);
            })));
            Segment found = Segment::open(scratch.name());
            CHECK(file_progress_of(found.header()).value().lines == 3);
            const Segment made = found.make_successor(scratch.name(), geometry);
            CHECK(file_progress_of(made.header()).value().lines == 3);
            CHECK(made.header().geometry == geometry);
            CHECK(Segment::open(scratch.name()).header().geometry == geometry);
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

TEST_SUITE("fault_retries") {
    TEST_CASE("fault: a process killed at any point leaves what failed whole, too") {
        check_kills([](const Scenario& scenario) { return scenario.settings.may_fail(); });
    }

    TEST_CASE("fault: a consumer killed at any point has counted every try that it began") {
        constexpr std::uint64_t kAll = 6;
        Settings settings = settings_for(1);
        settings.work = WorkKind::exec;
        // In a third round each is done or given up.
        const auto work = [](Segment& segment, std::array<std::atomic<unsigned>, kAll>& tries) {
            const auto at_once = Delivery::Clock::now() - std::chrono::seconds(1);
            Delivery reader(segment);
            std::uint64_t asked = kAll;
            while (true) {
                const auto events = events_of(reader.turn(0, std::exchange(asked, 0), 2));
                if (events.empty()) {
                    return;
                }
                for (const std::uint64_t event : events) {
                    reader.begin_attempt(event);
                    ++tries[event];
                    if (reader.attempt(event) < 3) {
                        reader.failed(event, at_once);
                    } else if (event % 2 == 0) {
                        reader.dead(event);
                    } else {
                        reader.done({event, event + 1});
                    }
                }
            }
        };
        struct Shared {
            std::array<std::atomic<unsigned>, kAll> tries{};
        };
        void* const memory = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE,
                                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        REQUIRE(memory != MAP_FAILED);
        FaultPlan& plan = FaultPlan::current();
        ScratchSegment whole("whole", 16, 400, settings);
        REQUIRE(push(whole.get(), kAll));
        plan.remember();
        work(whole.get(), (new (memory) Shared)->tries);
        const std::size_t points = plan.count();
        plan.die_at(0);
        CHECK(whole.get().left() == 0);
        for (std::size_t point = 1; point <= points; ++point) {
            CAPTURE(point);
            Shared& shared = *new (memory) Shared;
            ScratchSegment scratch("tries", 16, 400, settings);
            REQUIRE(push(scratch.get(), kAll));
            REQUIRE(was_killed(fork_to_die([&] {
                FaultPlan::current().die_at(point);
                work(scratch.get(), shared.tries);
            })));
            for (const std::uint64_t event : undone_events(scratch.get())) {
                CAPTURE(event);
                const unsigned counted = scratch.get().attempts().load(event);
                CHECK(counted >= shared.tries[event]);
                CHECK(counted <= shared.tries[event] + 1);
            }
            work(scratch.get(), shared.tries);
            CHECK(scratch.get().left() == 0);
            const Account account = Gauge(scratch.name()).read();
            CHECK(account.processed == kAll / 2);
            CHECK(account.dead == kAll / 2);
        }
        ::munmap(memory, sizeof(Shared));
    }
}
