#include "built_in_sources.hpp"
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
        return run_logged(stage, [&] { ProducerStage(stage, make_built_in_sources).run(); });
    });
}
