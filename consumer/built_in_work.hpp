#pragma once

#include <memory>

#include "output.hpp"
#include "results.hpp"
#include "stage.hpp"
#include "work.hpp"

namespace drainpipe {

// The work that the run was asked for, of those that are there without a program of the user's. It
// writes to `output`, lines, or to `results`; both outlive it.
std::unique_ptr<Work> make_built_in_work(Stage& stage, Output& output, Results& results);

}  // namespace drainpipe
