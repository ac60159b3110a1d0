#include "event_count_descriptor.hpp"

#include <sys/eventfd.h>

#include <utility>

namespace drainpipe {

EventCountDescriptor::EventCountDescriptor(EventCount& event_count)
    : event_count_(event_count),
      notified_(make_event_descriptor()),
      thread_([this] { wait_for_notification(); }) {}

EventCountDescriptor::~EventCountDescriptor() {
    {
        const std::lock_guard guard(mutex_);
        is_over_ = true;
    }
    armed_.notify_one();
    thread_.join();
}

void EventCountDescriptor::arm(std::uint32_t noted) {
    {
        const std::lock_guard guard(mutex_);
        noted_ = noted;
    }
    armed_.notify_one();
}

void EventCountDescriptor::clear() {
    eventfd_t taken = 0;
    ::eventfd_read(notified_.get(), &taken);
}

void EventCountDescriptor::wait_for_notification() {
    std::unique_lock lock(mutex_);
    while (true) {
        armed_.wait(lock, [this] { return is_over_ || noted_; });
        if (is_over_) {
            return;
        }
        const std::uint32_t noted = *std::exchange(noted_, std::nullopt);
        lock.unlock();
        event_count_.wait(noted);
        ::eventfd_write(notified_.get(), 1);
        lock.lock();
    }
}

}  // namespace drainpipe
