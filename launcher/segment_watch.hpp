#pragma once

#include <chrono>
#include <string>

#include "descriptor.hpp"
#include "segment.hpp"

namespace drainpipe {

// Learns from the kernel when the segment's file is removed, renamed or cut.
class SegmentWatch {
  public:
    // How often to look where the kernel has no notification left for this user.
    static constexpr std::chrono::seconds kPollInterval{2};

    SegmentWatch(const Segment& segment, std::string name);

    // Readable when something happened to the file; -1 where the kernel won't tell.
    int fd() const { return notifications_.get(); }

    enum class Fate {
        whole,
        vanished,  // the name no longer leads to it
        cut,       // it is shorter than it was made: no process may touch it any more
    };
    // Takes what happened.
    Fate look() const;

  private:
    const Segment& segment_;
    std::string name_;
    Descriptor notifications_;
};

}  // namespace drainpipe
