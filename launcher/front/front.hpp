#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace drainpipe {

// `drainpipe`, the one command in PATH: its first argument names the program that takes its place
// and gets the others.
//
//     drainpipe run ...        launcher ...
//     drainpipe enqueue ...    enqueue ...
//     drainpipe status ...     launcher status ..., and so on for each of launcher's commands
class Front {
  public:
    // The programs lie in one of these, the first that has one.
    explicit Front(std::vector<std::filesystem::path> directories);

    // What is to be started. Nothing means that all is said (help, --version). Throws
    // Failure(usage) for what is no command, and Failure(unavailable) where the program is missing.
    struct Invocation {
        std::filesystem::path program;
        std::vector<std::string> arguments;  // the program's name first
    };
    std::optional<Invocation> resolve(const std::vector<std::string>& arguments) const;

  private:
    std::filesystem::path find(const std::string& program) const;

    std::vector<std::filesystem::path> directories_;
};

}  // namespace drainpipe
