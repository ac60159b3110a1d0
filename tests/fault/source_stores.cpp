#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include "fault_plan.hpp"
#include "scenarios.hpp"
#include "scratch_segment.hpp"
#include "source_points.hpp"

using namespace drainpipe;
using namespace drainpipe::test;

TEST_SUITE("fault") {
    TEST_CASE("fault: no store in the sources is without a point that was reached") {
        std::set<PointName> reached;
        for (const Scenario& scenario : scenarios()) {
            walk_through(scenario, reached);
        }
        FaultPlan& plan = FaultPlan::current();
        plan.remember();
        { const ScratchSegment made("made", 16, 400); }
        reached.insert(plan.reached().begin(), plan.reached().end());
        plan.die_at(0);

        const std::vector<SourceStore> stores = stores_in_sources(DRAINPIPE_SHM_SOURCES);
        CHECK(stores.size() > 20);
        for (const SourceStore& store : stores) {
            CAPTURE(store.where);
            CAPTURE(store.code);
            CHECK(store.is_covered_by(reached));
        }
    }
}
