#include "pidfd.hpp"

#include <sys/syscall.h>
#include <unistd.h>

namespace drainpipe {

// glibc 2.36 has functions for these; the system calls are there from Linux 5.3 on.
Descriptor open_pidfd(pid_t pid) noexcept {
    return Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

void send_signal(const Descriptor& pidfd, int signal) noexcept {
    ::syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0);
}

}  // namespace drainpipe
