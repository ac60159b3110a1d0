#include <unistd.h>

#include <optional>

#include "built_in_work.hpp"
#include "consumer_stage.hpp"
#include "failure.hpp"
#include "printed_results.hpp"

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
            std::optional<PrintedResults> results;
            const auto make_work = [&](Stage& of, Output& output) {
                return make_built_in_work(of, output, results.emplace(output));
            };
            ConsumerStage(stage, options.consumer, STDOUT_FILENO, make_work).run();
        });
    });
}
