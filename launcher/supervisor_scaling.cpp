#include <algorithm>
#include <string>

#include "supervisor.hpp"

// How many consumers there are, and how that changes while the pipeline runs.
namespace drainpipe {

void Supervisor::scale(unsigned count) {
    const std::string change = "scale consumers=" + std::to_string(count) +
                               " before=" + std::to_string(segment_.header().consumers.load());
    log_.info("{}", change);
    console_.say(change);
    segment_.scale(count);
    for (unsigned number = 0; number < consumers().size(); ++number) {
        Kept& kept = consumers()[number];
        if (number < count) {
            kept.is_to_leave = false;
            kept.leave_by.reset();
            kept.is_wanted = true;
            if (!kept.is_running() && !kept.start_at) {
                keep(kept);
            }
        } else if (kept.is_running() || kept.start_at) {
            ask_to_leave(kept);
        }
    }
    // Whoever sleeps looks again who has which partition.
    segment_.header().events_bell.ring_always();
}

bool Supervisor::can_do_without(const Kept& kept) const {
    return kept_.front().was_ready && !stop_request_ && !kept.was_ready &&
           kept.place > Place::consumer;
}

void Supervisor::do_without(Kept& kept, const std::string& reason) {
    log_.warn("{} {}: going on with fewer", kept.child.role(), reason);
    console_.warn(kept.child.role() + " " + reason + ": going on with fewer");
    const auto number = static_cast<unsigned>(kept.place) - static_cast<unsigned>(Place::consumer);
    fewer_ = std::min(number, fewer_.value_or(number));
    // What it may have taken by now goes to those that are there.
    kept.is_wanted = false;
    kept.child.kill();
}

}  // namespace drainpipe
