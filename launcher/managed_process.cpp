#include "managed_process.hpp"

#include <sys/syscall.h>
#include <unistd.h>

namespace drainpipe {

void ManagedProcess::signal(int number) const {
    if (child.is_running()) {
        child.signal(number);
    } else if (external.is_running()) {
        ::syscall(SYS_pidfd_send_signal, external.process.get(), number, nullptr, 0);
    }
}

}  // namespace drainpipe
