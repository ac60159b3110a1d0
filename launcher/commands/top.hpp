#pragma once

#include "address.hpp"
#include "descriptor.hpp"
#include "failure.hpp"

namespace drainpipe {

// Shows on the terminal how the pipeline stands, live, until it ends, a signal comes or `q` is
// typed; the screen is as it was then. Throws Failure: usage where standard input or output is no
// terminal, unavailable where none runs.
ExitCode show_top(const Address& address, const Descriptor& signals);

}  // namespace drainpipe
