#include "own_producer.hpp"

#include <string>

#include "own_program.hpp"

namespace drainpipe {

int run_own_producer(int argc, char** argv, const ProducerStage::MakeSources& make_sources) {
    return run_own_stage(argc, argv, [&](const std::string& program) {
        StageOptions options;
        if (const auto said = options.parse_producer(argc, argv, program)) {
            return *said;
        }
        Stage stage(options, Role::producer);
        return run_logged(stage, [&] { ProducerStage(stage, make_sources).run(); });
    });
}

}  // namespace drainpipe
