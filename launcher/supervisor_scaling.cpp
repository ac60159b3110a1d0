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
        ManagedProcess& process = consumers()[number];
        if (number < count) {
            process.is_to_leave = false;
            process.leave_by.reset();
            process.is_wanted = true;
            if (!process.is_running() && !process.start_at) {
                enable(process);
            }
        } else if (process.is_running() || process.start_at) {
            ask_to_leave(process);
        }
    }
    // Whoever sleeps looks again who has which partition.
    segment_.header().events_available.notify_always();
}

bool Supervisor::can_do_without(const ManagedProcess& process) const {
    return processes_.front().was_ready && !stop_request_ && !process.was_ready &&
           process.role > Role::consumer;
}

void Supervisor::do_without(ManagedProcess& process, const std::string& reason) {
    log_.warn("{} {}: going on with fewer", process.child.role(), reason);
    console_.warn(process.child.role() + " " + reason + ": going on with fewer");
    const auto number = static_cast<unsigned>(process.role) - static_cast<unsigned>(Role::consumer);
    fewer_ = std::min(number, fewer_.value_or(number));
    // What it may have taken by now goes to those that are there.
    process.is_wanted = false;
    process.child.kill();
}

}  // namespace drainpipe
