#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pipeline.hpp"

namespace drainpipe::bench {

// The launcher's flags for a ring that holds so many numbers, and a drain that takes what it takes.
std::vector<std::string> room_for(std::uint64_t events);

// A drain of `events` that were accepted while the consumer was stopped: from the request, in which
// the launcher continues it, until the launcher has left.
// Requires a pipeline that was started with room for them. Checks that all are put out and logged.
double time_drain(Pipeline& pipeline, std::uint64_t events);

}  // namespace drainpipe::bench
