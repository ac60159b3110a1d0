#pragma once

#include <sys/types.h>

#include <cstdint>
#include <span>
#include <string>

namespace drainpipe {

// What /proc says.

// The kernel's letter for the state of a process: 'T' where it is stopped, 'Z' where it is dead and
// not reaped; 'X' where there is none of that pid.
char process_state(pid_t pid);

// The pids with commas between them.
std::string to_text(std::span<const pid_t> pids);

// What tells the pid namespace of this process from others.
std::uint64_t own_pid_namespace();

}  // namespace drainpipe
