#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "exit_code.hpp"

namespace drainpipe {

// Ends a program: one line for the person at the terminal, and the exit code.
class Failure : public std::runtime_error {
  public:
    Failure(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}

    ExitCode code() const { return code_; }

  private:
    ExitCode code_;
};

// Throws std::system_error with errno and the action in words ("cannot open log/info.log").
[[noreturn]] void throw_errno(const std::string& action);

// The exit code for a failed system call: no permission, or the system refused.
ExitCode exit_code_of_errno(int error);

// The exit code for a failure to make or open something that the pipeline needs: no permission, the
// system refused (no room, too few descriptors), or else it can't be created.
ExitCode exit_code_of_creation(int error);

// Such a failure. The message is the action in words and the reason.
Failure creation_failure(const std::string& action, int error);

// The body of every main: runs `body`, and turns what it throws into one line on standard error,
// "PROGRAM: message" with control characters escaped, and an exit code.
int run_program(std::string_view program, const std::function<ExitCode()>& body);

}  // namespace drainpipe
