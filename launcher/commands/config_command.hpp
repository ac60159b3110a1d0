#pragma once

#include "command_line.hpp"
#include "failure.hpp"
#include "options.hpp"

namespace drainpipe {

// Prints every option of a start with its value and where that came from.
ExitCode print_config(const CommandLine& line, const Options& options);

}  // namespace drainpipe
