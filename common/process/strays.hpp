#pragma once

#include <string>

namespace drainpipe {

// SIGKILL for what commands and workers of that run left running, in whatever group or session it
// hides: all processes with DRAINPIPE_RUN=run in the environment that they were started with, but
// for this one and its ancestors. To be called when no stage of the run is there any more that
// would do it: launcher and consumers have been killed together. Waits until they are dead, for a
// second at most.
void end_strays_of(const std::string& run);

}  // namespace drainpipe
