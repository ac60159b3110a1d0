#pragma once

#include <memory>

#include "results.hpp"
#include "stage.hpp"
#include "work.hpp"

namespace drainpipe {

// The work that the run was asked for, where processes do it: of --exec or --worker, which put
// their results there. Null where it is another one.
std::unique_ptr<Work> make_process_work(Stage& stage, Results& results);

}  // namespace drainpipe
