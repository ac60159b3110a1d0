#pragma once

#include <functional>
#include <memory>

#include "consumer_stage.hpp"

namespace drainpipe {

// Makes the work of a stage, which may outlive the call: a token of a user's may hold it.
using MakeOwnWork =
    std::function<std::unique_ptr<Work>(const std::shared_ptr<Stage>& stage, Output& output)>;

// Runs a program, which is one of those, as a consumer of the pipeline that its command line names.
// Returns what main() is to return.
int run_own_consumer(int argc, char** argv, WorkProgram program, const MakeOwnWork& make_work);

}  // namespace drainpipe
