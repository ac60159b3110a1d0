#pragma once

#include "console.hpp"
#include "log.hpp"
#include "name_claim.hpp"
#include "options.hpp"
#include "segment.hpp"

namespace drainpipe {

// The segment, as long as a launcher runs on it.
class SegmentClaim {
  public:
    // Makes the segment, or recovers the one that an earlier run left, and begins a run on it.
    // Throws Failure, with the segment of another process untouched.
    SegmentClaim(const Options& options, NameClaim& name, Log& log, Console& console);

    // Removes the segment if nothing is left in it and no stage uses it.
    ~SegmentClaim();
    SegmentClaim(const SegmentClaim&) = delete;
    SegmentClaim& operator=(const SegmentClaim&) = delete;

    Segment& segment() { return segment_; }

  private:
    const Options& options_;
    const NameClaim& name_;
    Segment segment_;
};

}  // namespace drainpipe
