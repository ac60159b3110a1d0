#pragma once

#include <chrono>

#include "address.hpp"
#include "descriptor.hpp"

namespace drainpipe {

// Connects to the intake of a pipeline; the descriptor does not block. Waits where the pipeline
// runs and its intake is not open yet, is being started again, or has as many who wait to be let in
// as the system allows: until it is, `deadline`, or a signal. Where a service manager holds the
// socket it connects whether the pipeline runs or not: the next one that does takes it in. Throws
// Failure: unavailable where no such pipeline runs, taken where it is shutting down or the deadline
// has passed, no_permission, and 128 + the signal.
Descriptor connect_to_intake(const Address& address, const Descriptor& signals,
                             std::chrono::steady_clock::time_point deadline);

}  // namespace drainpipe
