#pragma once

#include <functional>
#include <optional>

#include "descriptor.hpp"
#include "failure.hpp"
#include "service_environment.hpp"

namespace drainpipe {

// What a launcher was asked for: to run a pipeline, or one of its commands. It is given the signals
// as claim_signals() returned them, returns the exit code, and throws Failure.
using Action = std::function<ExitCode(Descriptor)>;

// Which of the standard descriptors a program was started with.
struct StandardDescriptors {
    bool has_input;
    bool has_output;
};

// Reads the command line, the environment and the configuration file. Nothing means that all is
// said (--help, --version, config). Throws Failure(usage).
std::optional<Action> parse_command_line(int argc, char** argv, const StandardDescriptors& standard,
                                         const ServiceEnvironment& service);

}  // namespace drainpipe
