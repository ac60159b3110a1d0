#pragma once

#include <stdexcept>
#include <string>

namespace drainpipe {

// Another program's object, or one that does not hold together: it must not be touched.
class SegmentRefused : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

// A segment of ours by its magic, but damaged or of another layout: it must not be touched, but its
// owner may throw it away.
class SegmentUnusable : public SegmentRefused {
  public:
    using SegmentRefused::SegmentRefused;
};

// Another launcher, of another run directory, is making a segment of that name.
class SegmentTaken : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

// What stands at the segment's name.
enum class Standing {
    absent,
    half_made,  // its maker was killed before it was ready: our magic and no version, or blank
    ready,
};

// The path that the segment `name` has on Linux.
std::string segment_path(const std::string& name);

// Looks at the object of that name without changing it. Throws SegmentRefused if it is not a
// regular file, belongs to another user, or has another content than a segment of this layout.
// It does not look at cursors and slots: validate() of a mapped segment does.
Standing inspect_segment(const std::string& name);

}  // namespace drainpipe
