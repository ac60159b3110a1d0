#include "ring_lock.hpp"

namespace drainpipe {

void RingLock::take_back_given() const {
    const Header& header = segment_.header();
    const Marks marks = segment_.marks();
    const std::uint64_t tail = header.tail.load();
    for (std::uint64_t event = read_ledger(header).given_end; event < tail; ++event) {
        if (marks.at(event).is_given()) {
            marks.set(event, segment_.mark_of_new(event));
        }
    }
}

}  // namespace drainpipe
