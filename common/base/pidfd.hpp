#pragma once

#include <sys/types.h>

#include "descriptor.hpp"

namespace drainpipe {

// A descriptor of a process, readable when it is dead; closed, with errno, where it can't be had:
// there is no such process, or no room for descriptors. Closes at exec.
Descriptor open_pidfd(pid_t pid) noexcept;

// Sends a signal, to that process and no other; for one that is dead nothing.
void send_signal(const Descriptor& pidfd, int signal) noexcept;

}  // namespace drainpipe
