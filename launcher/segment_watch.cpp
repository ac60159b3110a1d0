#include "segment_watch.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <utility>

namespace drainpipe {

SegmentWatch::SegmentWatch(const Segment& segment, std::string name)
    : segment_(segment),
      name_(std::move(name)),
      notifications_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
    // A removal of a file that is still mapped shows as a change of its attributes: its links.
    if (::inotify_add_watch(notifications_.get(), segment_path(name_).c_str(),
                            IN_ATTRIB | IN_MODIFY | IN_MOVE_SELF | IN_DELETE_SELF) < 0) {
        notifications_.reset();
    }
}

SegmentWatch::Fate SegmentWatch::look() const {
    std::array<char, 4096> taken;
    while (::read(notifications_.get(), taken.data(), taken.size()) > 0) {
    }
    return !segment_.is_whole() ? Fate::cut : segment_.is_at(name_) ? Fate::whole : Fate::vanished;
}

}  // namespace drainpipe
