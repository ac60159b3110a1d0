#pragma once

#include <chrono>
#include <string>

#include "descriptor.hpp"
#include "segment.hpp"

namespace drainpipe {

// Learns from the kernel when somebody removes or renames the segment's file.
class SegmentWatch {
  public:
    // How often to look where the kernel has no notification left for this user.
    static constexpr std::chrono::seconds kBetweenLooks{2};

    SegmentWatch(const Segment& segment, std::string name);

    // Readable when something happened to the file; -1 where the kernel won't tell.
    int fd() const { return notifications_.get(); }

    // Takes what happened; whether the name no longer leads to the segment.
    bool has_vanished() const;

  private:
    const Segment& segment_;
    std::string name_;
    Descriptor notifications_;
};

}  // namespace drainpipe
