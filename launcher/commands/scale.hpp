#pragma once

#include "address.hpp"
#include "failure.hpp"

namespace drainpipe {

// Asks the running launcher of that name for so many consumers, and waits until it has taken it up.
// Throws Failure: unavailable where none runs, taken where it is stopping.
ExitCode scale(const Address& address, unsigned consumers);

}  // namespace drainpipe
