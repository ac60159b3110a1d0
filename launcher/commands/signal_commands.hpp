#pragma once

#include "address.hpp"
#include "descriptor.hpp"
#include "failure.hpp"

namespace drainpipe {

// Asks the running launcher of that name to stop, as SIGTERM does. `waits`: until it has ended, and
// returns its exit code; a signal of `signals` ends the waiting, not the stop. Throws Failure:
// unavailable where none runs, software where it ended without a word, as one that was killed.
ExitCode stop_pipeline(const Address& address, bool waits, const Descriptor& signals);

// Has it and its stages open their logs again, as SIGHUP does. Throws Failure(unavailable).
ExitCode reload_pipeline(const Address& address);

}  // namespace drainpipe
