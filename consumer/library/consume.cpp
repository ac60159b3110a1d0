#include <memory>

#include "drainpipe/consumer.hpp"
#include "handler_work.hpp"
#include "own_consumer.hpp"
#include "stage.hpp"
#include "token_work.hpp"

namespace drainpipe {
namespace {

Work::Ends ends_of(Stage& stage) {
    return begins_one_by_one(stage.segment().header().settings) ? Work::Ends::later
                                                                : Work::Ends::in_turn;
}

}  // namespace

int consume(int argc, char** argv, const Handler& handler) {
    return run_own_consumer(
        argc, argv, WorkProgram::own, [&](const std::shared_ptr<Stage>& stage, Output& output) {
            return std::make_unique<HandlerWork>(handler, output, ends_of(*stage));
        });
}

int consume_batches(int argc, char** argv, const BatchHandler& handler, std::size_t most) {
    return run_own_consumer(
        argc, argv, WorkProgram::own, [&](const std::shared_ptr<Stage>& stage, Output& output) {
            return std::make_unique<HandlerWork>(handler, most, output, ends_of(*stage));
        });
}

int consume_async(int argc, char** argv, const AsyncHandler& handler) {
    return run_own_consumer(
        argc, argv, WorkProgram::own, [&](const std::shared_ptr<Stage>& stage, Output& output) {
            return std::make_unique<TokenWork>(handler, stage->segment().header().settings.window,
                                               output, stage);
        });
}

}  // namespace drainpipe
