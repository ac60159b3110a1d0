#include "robust_lock.hpp"

#include <cerrno>
#include <system_error>

namespace drainpipe {

RobustLock::Found RobustLock::lock() {
    int error = ::pthread_mutex_lock(mutex_);
    const Found found = error == EOWNERDEAD ? Found::dead_holder : Found::free;
    if (found == Found::dead_holder) {
        error = ::pthread_mutex_consistent(mutex_);
    }
    if (error != 0) {
        throw std::system_error(error, std::generic_category(), "cannot take the ring's lock");
    }
    return found;
}

void RobustLock::unlock() noexcept { ::pthread_mutex_unlock(mutex_); }

}  // namespace drainpipe
