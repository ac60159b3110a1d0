#include <unistd.h>

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
        try {
            ConsumerStage(stage, options.consumer, STDOUT_FILENO).run();
        } catch (const std::exception& error) {
            stage.log().error("{}", error.what());
            throw;
        }
        return ExitCode::done;
    });
}
