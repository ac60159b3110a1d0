#include "service_manager.hpp"

#include <algorithm>

namespace drainpipe {
namespace {

// The manager wants to hear something at least once in its interval; half of it, it advises.
constexpr int kPingsInInterval = 3;

// Of a manager that takes nothing: what came last tells it all.
constexpr std::size_t kMaxKept = 16;

template <typename Unit>
std::string count_of(std::chrono::steady_clock::duration duration) {
    return std::to_string(std::chrono::duration_cast<Unit>(duration).count());
}

}  // namespace

ServiceManager::ServiceManager(const ServiceEnvironment& environment)
    : socket_(environment.notify_socket), ping_interval_(environment.watchdog / kPingsInInterval) {}

void ServiceManager::tell_ready(const std::string& status) {
    is_ready_ = true;
    told_status_ = status;
    next_status_ = Clock::now() + kInterval;
    tell_for_certain("READY=1\nSTATUS=" + status);
}

void ServiceManager::tell_stopping(Clock::time_point deadline, const std::string& status) {
    const Clock::time_point now = Clock::now();
    stop_deadline_ = deadline;
    next_status_ = now + kInterval;
    tell_for_certain(stopping_message(status, now));
}

void ServiceManager::tell_reloading() {
    if (is_ready_ && !stop_deadline_) {
        tell_for_certain("RELOADING=1\nMONOTONIC_USEC=" +
                         count_of<std::chrono::microseconds>(Clock::now().time_since_epoch()));
    }
}

void ServiceManager::tell_reloaded() {
    if (is_ready_ && !stop_deadline_) {
        tell_for_certain("READY=1");
    }
}

void ServiceManager::tell_status(const std::string& status) {
    if (socket_.is_open() && socket_.send("STATUS=" + status)) {
        told_status_ = status;
    }
}

ServiceManager::Clock::time_point ServiceManager::next_time() const {
    if (!socket_.is_open()) {
        return Clock::time_point::max();
    }
    const bool is_told_more = is_ready_ || stop_deadline_ || !kept_.empty();
    const Clock::time_point status = is_told_more ? next_status_ : Clock::time_point::max();
    return ping_interval_.count() > 0 ? std::min(next_ping_, status) : status;
}

void ServiceManager::tell(const std::string& status) {
    const Clock::time_point now = Clock::now();
    if (ping_interval_.count() > 0 && now >= next_ping_) {
        next_ping_ = now + ping_interval_;
        socket_.send("WATCHDOG=1");
    }
    if (now < next_status_) {
        return;
    }
    next_status_ = now + kInterval;
    tell_what_is_kept();
    if (stop_deadline_ && now < *stop_deadline_) {
        socket_.send(stopping_message(status, now));
    } else if ((is_ready_ || stop_deadline_) && status != told_status_) {
        tell_status(status);
    }
}

std::string ServiceManager::stopping_message(const std::string& status,
                                             Clock::time_point now) const {
    const Clock::duration left = std::max(*stop_deadline_ - now, Clock::duration::zero());
    return "STOPPING=1\nEXTEND_TIMEOUT_USEC=" +
           count_of<std::chrono::microseconds>(left + kSettling) + "\nSTATUS=" + status;
}

void ServiceManager::tell_for_certain(const std::string& message) {
    if (!socket_.is_open()) {
        return;
    }
    kept_.push_back(message);
    if (kept_.size() > kMaxKept) {
        kept_.pop_front();
    }
    tell_what_is_kept();
}

void ServiceManager::tell_what_is_kept() {
    while (!kept_.empty() && socket_.send(kept_.front())) {
        kept_.pop_front();
    }
}

}  // namespace drainpipe
