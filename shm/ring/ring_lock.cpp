#include "ring_lock.hpp"

namespace drainpipe {

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
