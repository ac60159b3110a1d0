#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <thread>

#include "descriptor.hpp"
#include "event_count.hpp"

namespace drainpipe {

// A event count of the segment as a descriptor, for a consumer that waits for other descriptors as
// well: a futex can't be polled. A thread of its own sleeps on the event count while it is armed.
class EventCountDescriptor {
  public:
    // The event count outlives this object.
    explicit EventCountDescriptor(EventCount& event_count);
    ~EventCountDescriptor();
    EventCountDescriptor(const EventCountDescriptor&) = delete;
    EventCountDescriptor& operator=(const EventCountDescriptor&) = delete;

    // Readable once the event count was notified after the prepare() that returned `noted`, or its
    // backstop has passed.
    int fd() const { return notified_.get(); }
    void arm(std::uint32_t noted);
    // Empties the descriptor.
    void clear();

  private:
    void wait_for_notification();

    EventCount& event_count_;
    Descriptor notified_;
    std::mutex mutex_;
    std::condition_variable armed_;
    std::optional<std::uint32_t> noted_;
    bool is_over_ = false;
    std::thread thread_;
};

}  // namespace drainpipe
