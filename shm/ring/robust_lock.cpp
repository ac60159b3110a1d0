#include "robust_lock.hpp"

#include <cerrno>
#include <system_error>

namespace drainpipe {

void RobustLock::lock() {
    int error = ::pthread_mutex_lock(mutex_);
    if (error == EOWNERDEAD) {
        error = ::pthread_mutex_consistent(mutex_);
    }
    if (error != 0) {
        throw std::system_error(error, std::generic_category(), "cannot take the ring's lock");
    }
}

void RobustLock::unlock() noexcept { ::pthread_mutex_unlock(mutex_); }

}  // namespace drainpipe
