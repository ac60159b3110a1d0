#include <unistd.h>

#include "consumer.hpp"
#include "failure.hpp"

int main(int argc, char** argv) {
    using namespace drainpipe;
    return run_program("consumer", [&] {
        StageOptions options;
        if (const auto said = options.parse(
                "consumer", "Does the work on each event of a running pipeline.", argc, argv)) {
            return *said;
        }
        Stage stage(options, "consumer", Place::consumer);
        try {
            Consumer(stage, STDOUT_FILENO).run();
        } catch (const std::exception& error) {
            stage.log().error("{}", error.what());
            throw;
        }
        return ExitCode::done;
    });
}
