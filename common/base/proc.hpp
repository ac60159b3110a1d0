#pragma once

#include <sys/types.h>

#include <cstdint>

namespace drainpipe {

// What /proc says.

// The kernel's letter for the state of a process: 'T' where it is stopped, 'Z' where it is dead and
// not reaped; 'X' where there is none of that pid.
char process_state(pid_t pid);

// What tells the pid namespace of this process from others.
std::uint64_t own_pid_namespace();

}  // namespace drainpipe
