#include "failure.hpp"
#include "producer_stage.hpp"

int main(int argc, char** argv) {
    using namespace drainpipe;
    return run_program("producer", [&] {
        StageOptions options;
        if (const auto said = options.parse_producer(argc, argv)) {
            return *said;
        }
        Stage stage(options, Role::producer);
        try {
            ProducerStage(stage).run();
        } catch (const std::exception& error) {
            stage.log().error("{}", error.what());
            throw;
        }
        return ExitCode::done;
    });
}
