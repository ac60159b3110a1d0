#pragma once

#include "intake_loop.hpp"
#include "stage.hpp"

namespace drainpipe {

// The source that the run was asked for, of those that are there without a program of the user's.
// Throws Failure or std::system_error where it can't be opened; Failure(unavailable) where it is a
// program of the user's own.
IntakeLoop::Sources make_built_in_sources(Stage& stage);

}  // namespace drainpipe
