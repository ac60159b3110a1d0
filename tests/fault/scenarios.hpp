#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "fault_plan.hpp"
#include "segment.hpp"

namespace drainpipe::test {

// Something that a process does to a segment, and may be killed at any point of.
struct Scenario {
    std::string name;
    Settings settings;
    std::function<void(Segment&)> before;  // by a process that lives
    std::function<void(Segment&)> act;
    std::uint64_t alignment = 1;
};

// One for each way that the segment and the ring are changed.
std::vector<Scenario> scenarios();

// Announces a sleeper in front of both event counts, so that whoever changes something rings them.
void announce_sleepers(Segment& segment);

// How many points the scenario reaches when nobody kills it; adds them to `reached`.
std::size_t walk_through(const Scenario& scenario, std::set<PointName>& reached);

// What event n holds in all of them.
std::string payload_of(std::uint64_t event);

// Pushes the next `count` events; whether all of them are in.
bool push(Segment& segment, std::uint64_t count);

// The same in one piece. Requires that all have payloads of one size.
bool push_records(Segment& segment, std::uint64_t count);

}  // namespace drainpipe::test
