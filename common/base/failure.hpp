#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace drainpipe {

// What the programs answer with; the numbers of sysexits(3) where it has one.
enum class ExitCode : int {
    done = 0,
    usage = 64,          // EX_USAGE
    data = 65,           // EX_DATAERR: all is done, some of it among the dead letters
    unavailable = 69,    // EX_UNAVAILABLE: a program or the pipeline is not there
    software = 70,       // EX_SOFTWARE: a child died too often, an internal fault
    system = 71,         // EX_OSERR: fork, memory, descriptors
    cannot_create = 73,  // EX_CANTCREAT
    io = 74,             // EX_IOERR: log lines lost, a connection or an output broken
    taken = 75,          // EX_TEMPFAIL: running already, shutting down
    no_permission = 77,  // EX_NOPERM
    deadline = 124,      // as timeout(1): the drain was cut short
};

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
