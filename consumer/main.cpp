#include <unistd.h>

#include "built_in_work.hpp"
#include "consumer_stage.hpp"
#include "failure.hpp"

int main(int argc, char** argv) {
    using namespace drainpipe;
    return run_program("consumer", [&] {
        StageOptions options;
        if (const auto said = options.parse_consumer(argc, argv)) {
            return *said;
        }
        Stage stage(options, consumer_role(options.consumer));
        return run_logged(stage, [&] {
            require_work_of(stage, WorkProgram::built_in);
            ConsumerStage(stage, options.consumer, STDOUT_FILENO, make_built_in_work).run();
        });
    });
}
