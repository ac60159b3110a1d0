#include "own_consumer.hpp"

#include <unistd.h>

#include <string>

#include "own_program.hpp"

namespace drainpipe {

int run_own_consumer(int argc, char** argv, WorkProgram program, const MakeOwnWork& make_work) {
    return run_own_stage(argc, argv, [&](const std::string& name) {
        StageOptions options;
        if (const auto said = options.parse_consumer(argc, argv, name)) {
            return *said;
        }
        const auto stage = std::make_shared<Stage>(options, consumer_role(options.consumer));
        return run_logged(*stage, [&] {
            require_work_of(*stage, program);
            ConsumerStage(*stage, options.consumer, STDOUT_FILENO, [&](Stage&, Output& output) {
                return make_work(stage, output);
            }).run();
        });
    });
}

}  // namespace drainpipe
