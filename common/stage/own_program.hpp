#pragma once

#include <functional>
#include <string>

#include "failure.hpp"

namespace drainpipe {

// The body of a stage that a user's program is, named as its file is: as run_program() has it.
int run_own_stage(int argc, char** argv,
                  const std::function<ExitCode(const std::string& program)>& body);

}  // namespace drainpipe
