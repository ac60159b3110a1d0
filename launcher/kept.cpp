#include "kept.hpp"

#include <sys/syscall.h>
#include <unistd.h>

namespace drainpipe {

void Kept::signal(int number) const {
    if (child.is_running()) {
        child.signal(number);
    } else if (outsider.is_running()) {
        ::syscall(SYS_pidfd_send_signal, outsider.process.get(), number, nullptr, 0);
    }
}

}  // namespace drainpipe
