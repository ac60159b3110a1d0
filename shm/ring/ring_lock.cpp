#include "ring_lock.hpp"

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

void RingLock::take_back_given() const {
    const Header& header = segment_.header();
    const EventStates states = segment_.states();
    const std::uint64_t tail = header.tail.load();
    for (std::uint64_t event = read_ledger(header).given_end; event < tail; ++event) {
        if (states.at(event).is_given()) {
            states.set(event, segment_.state_of_new(event));
        }
    }
}

}  // namespace drainpipe
