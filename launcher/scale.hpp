#pragma once

#include "address.hpp"
#include "exit_code.hpp"

namespace drainpipe {

// The signal that asks a launcher for another number of consumers, with that number as its value.
int scale_signal();

// Asks the running launcher of that name for so many consumers, and waits until it has taken it up.
// Throws Failure: unavailable where none runs, taken where it is stopping.
ExitCode scale(const Address& address, unsigned consumers);

}  // namespace drainpipe
