#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "segment.hpp"

namespace drainpipe::test {

// Something that a process does to a segment, and may be killed at any point of.
struct Scenario {
    std::string name;
    Settings settings;
    std::function<void(Segment&)> before;  // by a process that lives
    std::function<void(Segment&)> act;
};

// One for each way that the segment and the ring are changed.
std::vector<Scenario> scenarios();

// What event n holds in all of them.
std::string payload_of(std::uint64_t event);

// Pushes the next `count` events; whether all of them are in.
bool push(Segment& segment, std::uint64_t count);

}  // namespace drainpipe::test
