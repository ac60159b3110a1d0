#pragma once

#include <set>

#include "fault_plan.hpp"

namespace drainpipe::test {

// Adds the points that are reached where a source settles events, when nobody kills it.
void walk_through_settling(std::set<PointName>& reached);

}  // namespace drainpipe::test
