#include "own_program.hpp"

#include <exception>
#include <filesystem>

namespace drainpipe {

int run_own_stage(int argc, char** argv,
                  const std::function<ExitCode(const std::string& program)>& body) {
    const std::string program =
        argc > 0 ? std::filesystem::path(argv[0]).filename().string() : std::string("stage");
    return run_program(program, [&] { return body(program); });
}

ExitCode run_logged(Stage& stage, const std::function<void()>& run) {
    try {
        run();
    } catch (const std::exception& error) {
        stage.log().error("{}", error.what());
        throw;
    }
    return ExitCode::done;
}

}  // namespace drainpipe
