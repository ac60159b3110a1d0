#pragma once

#include "address.hpp"
#include "descriptor.hpp"

namespace drainpipe {

// Connects to the intake of a pipeline; the descriptor does not block. Waits, for less than a
// second, where the pipeline runs and its producer is just being started again. Throws Failure:
// unavailable where no such pipeline runs, taken where it is shutting down, no_permission.
Descriptor connect_to_intake(const Address& address);

}  // namespace drainpipe
