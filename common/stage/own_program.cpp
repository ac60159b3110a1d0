#include "own_program.hpp"

#include <filesystem>

namespace drainpipe {

int run_own_stage(int argc, char** argv,
                  const std::function<ExitCode(const std::string& program)>& body) {
    const std::string program =
        argc > 0 ? std::filesystem::path(argv[0]).filename().string() : std::string("stage");
    return run_program(program, [&] { return body(program); });
}

}  // namespace drainpipe
