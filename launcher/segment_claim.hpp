#pragma once

#include <optional>

#include "console.hpp"
#include "log.hpp"
#include "name_claim.hpp"
#include "options.hpp"
#include "segment.hpp"
#include "source_file.hpp"

namespace drainpipe {

// The segment, as long as a launcher runs on it.
class SegmentClaim {
  public:
    // Makes the segment, or recovers the one that an earlier run left, and begins a run on it, from
    // `file` where there is one. Throws Failure, with the segment of another process untouched, and
    // so with one whose events come from another file.
    SegmentClaim(const Options& options, std::optional<SourceFile>& file, NameClaim& name, Log& log,
                 Console& console);

    // Removes the segment if nothing is left in it, no stage uses it, and no file is to be gone on
    // with.
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
