#pragma once

#include <string>

#include "failure.hpp"

namespace drainpipe {

// The body of the process that HttpProcess keeps: serves how the pipeline of that name stands, on
// the socket that is its standard input, until SIGTERM. It reads the snapshot and nothing else, at
// a low priority: who asks it without end takes nothing from the work. Throws where the pipeline
// has no segment, or the system refuses what it takes.
ExitCode serve_http(const std::string& name);

}  // namespace drainpipe
