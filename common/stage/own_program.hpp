#pragma once

#include <functional>
#include <string>

#include "failure.hpp"
#include "stage.hpp"

namespace drainpipe {

// The body of a stage that a user's program is, named as its file is: as run_program() has it.
int run_own_stage(int argc, char** argv,
                  const std::function<ExitCode(const std::string& program)>& body);

// Runs the stage; what it throws is in its log, too.
ExitCode run_logged(Stage& stage, const std::function<void()>& run);

}  // namespace drainpipe
