#pragma once

#include <boost/interprocess/mapped_region.hpp>
#include <boost/interprocess/shared_memory_object.hpp>
#include <cstdint>
#include <span>
#include <string>

#include "inspection.hpp"
#include "layout.hpp"

namespace drainpipe {

// A segment, mapped: its life and its parts, none of its rules.
//
// The payload buffer is mapped twice, back to back, so that a payload that runs over the buffer's
// end is one piece of memory to whoever writes or reads it.
class Segment {
  public:
    // Makes the segment, mode 0600, all of its memory reserved. Throws std::system_error (ENOSPC
    // where /dev/shm is too small) and leaves nothing behind then. Requires that the caller holds
    // the pipeline's launcher place and that the name is absent.
    static Segment make(const std::string& name, const Shape& shape);

    // Maps a segment that is ready. Throws SegmentRefused if it is not, std::system_error if it
    // can't be mapped.
    static Segment open(const std::string& name);

    // Takes away what a killed launcher had half made; false when one is making it now.
    [[nodiscard]] static bool remove_half_made(const std::string& name);

    // Takes the name away; the memory goes with the last mapping. Absent is fine.
    static void remove(const std::string& name);

    // Whether the name still leads to this segment: somebody may have removed or replaced it.
    bool is_at(const std::string& name) const;

    // A launcher holds its segment against any other launcher, whatever its run folder; false when
    // another one does. A stage holds it as long as it has it mapped.
    [[nodiscard]] bool hold_as_launcher() const;
    void hold_as_stage() const;
    bool is_held_by_stage() const;

    // Checks everything that the stages will trust: cursors in order, every slot between head and
    // tail inside the buffer and next to its neighbour. Throws SegmentUnusable. Requires that no
    // stage is attached.
    void validate() const;

    // Begins a run on what the segment holds: opens the intake, puts nothing in flight, makes lock
    // and bells afresh. Killed at any store of it, it can be called again. Requires that no stage
    // is attached.
    void begin_run(const Settings& settings);

    Header& header() const { return *header_; }
    Slot& slot(std::uint64_t event) const { return slots_[event & slot_mask_]; }
    FirstAttempt& first_attempt(std::uint64_t event) const {
        return first_attempts_[event & slot_mask_];
    }

    // The place of byte `begin` (see Slot); buffer_span bytes from there on are one piece.
    char* bytes_at(std::uint32_t begin) const { return buffer_ + (begin & buffer_mask_); }

  private:
    Segment(boost::interprocess::shared_memory_object object, const Shape& shape);

    boost::interprocess::shared_memory_object object_;
    boost::interprocess::mapped_region front_;
    boost::interprocess::mapped_region buffer_first_;
    boost::interprocess::mapped_region buffer_again_;
    Header* header_;
    Slot* slots_;
    FirstAttempt* first_attempts_;
    char* buffer_;
    std::uint64_t slot_mask_;
    std::uint32_t buffer_mask_;
};

}  // namespace drainpipe
