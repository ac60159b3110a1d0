#pragma once

#include "address.hpp"
#include "failure.hpp"

namespace drainpipe {

// Prints how the pipeline stands, as a screen or as JSON. Exit code 0 where it runs, 69 where it
// does not; then it says what an earlier run has left, and where. Throws Failure.
ExitCode print_status(const Address& address, bool as_json);

}  // namespace drainpipe
