#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "descriptor.hpp"
#include "shell_command.hpp"

namespace drainpipe {

// A process of a user's own, in a process group of its own, with an empty signal mask. The kernel
// kills it when the thread that started it ends.
struct SpawnedProcess {
    pid_t pid;
    Descriptor pidfd;  // readable when it is dead
};

// Starts the command. `argument` is its "$1", unless it is null or too long for one; `environment`
// are variables ("NAME=value") besides this process's own, which they beat. The descriptors become
// its standard ones.
//
// The calling thread stands still until the program is executed, and shares its memory meanwhile:
// nothing is copied, however large this process is. Signals that are ignored stay so in it: see
// handle_ignored_signals(). Throws std::system_error where the system
// refuses a process, and says what could not be executed.
SpawnedProcess spawn(const ShellCommand& command, const std::string* argument,
                     const std::vector<std::string>& environment, int input, int output,
                     int errors);

// SIGKILL, or another signal, to the process group of a spawned process, which may be gone.
void signal_group(pid_t pid, int signal) noexcept;

}  // namespace drainpipe
