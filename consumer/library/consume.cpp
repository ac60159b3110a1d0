#include <unistd.h>

#include <functional>
#include <memory>

#include "consumer_stage.hpp"
#include "drainpipe/consumer.hpp"
#include "handler_work.hpp"
#include "own_program.hpp"
#include "stage.hpp"
#include "token_work.hpp"

namespace drainpipe {
namespace {

using MakeWork =
    std::function<std::unique_ptr<Work>(const std::shared_ptr<Stage>& stage, Output& output)>;

int run_consumer(int argc, char** argv, const MakeWork& make_work) {
    return run_own_stage(argc, argv, [&](const std::string& program) {
        StageOptions options;
        if (const auto said = options.parse_consumer(argc, argv, program)) {
            return *said;
        }
        const auto stage = std::make_shared<Stage>(options, consumer_role(options.consumer));
        return run_logged(*stage, [&] {
            require_work_of(*stage, WorkProgram::own);
            ConsumerStage(*stage, options.consumer, STDOUT_FILENO, [&](Stage&, Output& output) {
                return make_work(stage, output);
            }).run();
        });
    });
}

Work::Ends ends_of(Stage& stage) {
    return begins_one_by_one(stage.segment().header().settings) ? Work::Ends::later
                                                                : Work::Ends::in_turn;
}

}  // namespace

int consume(int argc, char** argv, const Handler& handler) {
    return run_consumer(argc, argv, [&](const std::shared_ptr<Stage>& stage, Output& output) {
        return std::make_unique<HandlerWork>(handler, output, ends_of(*stage));
    });
}

int consume_batches(int argc, char** argv, const BatchHandler& handler, std::size_t most) {
    return run_consumer(argc, argv, [&](const std::shared_ptr<Stage>& stage, Output& output) {
        return std::make_unique<HandlerWork>(handler, most, output, ends_of(*stage));
    });
}

int consume_async(int argc, char** argv, const AsyncHandler& handler) {
    return run_consumer(argc, argv, [&](const std::shared_ptr<Stage>& stage, Output& output) {
        return std::make_unique<TokenWork>(handler, stage->segment().header().settings.window,
                                           output, stage);
    });
}

}  // namespace drainpipe
