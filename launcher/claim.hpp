#pragma once

#include "console.hpp"
#include "log.hpp"
#include "options.hpp"
#include "places.hpp"
#include "segment.hpp"

namespace drainpipe {

// What a launcher has to get hold of before it can start anything.

// Takes the launcher's place, having waited for stages that a dead launcher left behind. Throws
// Failure(taken) where another launcher has it, or where those stages don't leave in time.
Places claim_name(const Options& options, Console& console);

// Throws Failure(cannot_create) where something else than a socket stands at the socket's path.
void require_free_socket(const Address& address);

// Makes the segment, or recovers the one that an earlier run left, and begins a run on it. Throws
// Failure, with somebody else's segment untouched. Requires the launcher's place.
Segment claim_segment(const Options& options, Log& log, Console& console);

}  // namespace drainpipe
