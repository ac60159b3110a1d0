#pragma once

#include <atomic>
#include <boost/interprocess/mapped_region.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "account.hpp"
#include "backing.hpp"
#include "copy_bytes.hpp"
#include "event_state.hpp"
#include "file_progress.hpp"
#include "inspection.hpp"
#include "layout.hpp"
#include "partition.hpp"
#include "trailer.hpp"

namespace drainpipe {

// A segment, mapped: its life and its parts, none of its rules.
//
// The payload buffer is mapped twice, back to back, so that a payload that runs over the buffer's
// end is one piece of memory to the process that writes or reads it.
class Segment {
  public:
    // Makes the segment, mode 0600, all of its memory reserved. Throws SegmentTaken where another
    // process has made one since the name was seen absent, or took this one for half made;
    // std::system_error (ENOSPC where /dev/shm is too small) and leaves nothing behind then.
    // Requires that the caller holds the pipeline's launcher role.
    static Segment make(const std::string& name, const Geometry& geometry);

    // The same in memory that has no name: only this process and those that it forks see it, and it
    // goes with its last mapping. Throws std::system_error.
    static Segment make_private(const Geometry& geometry);

    // Maps a segment that is ready. Throws SegmentRefused if it is not, std::system_error if it
    // can't be mapped.
    static Segment open(const std::string& name);

    // Takes away an object that can't be mapped as a segment, half made or damaged; false when
    // a process holds it, or another one is there by now.
    [[nodiscard]] static bool remove_unheld(const std::string& name);

    // Takes the name away; the memory goes with the last mapping. Absent is fine.
    static void remove(const std::string& name);

    // What tells this segment from all others, in sixteen hexadecimal digits. It is kept over
    // recoveries, so that identity and id together name an event for good.
    std::string identity() const;

    // Whether the name still leads to this segment: it may have been removed or replaced.
    bool is_at(const std::string& name) const;

    // Whether its file has its size: it may have been cut, and to touch it then is death.
    bool is_whole() const;

    // A launcher holds its segment against any other launcher, whatever its run directory; false
    // when another one does. A stage holds it as long as it has it mapped.
    [[nodiscard]] bool hold_as_launcher() const;
    void hold_as_stage() const;
    bool is_held_by_stage() const;

    // Checks everything that the stages will trust: cursors in order, every state between head and
    // tail one that there is, every payload inside the buffer. Throws SegmentUnusable.
    // Requires that no stage is attached.
    void validate() const;

    // Begins a run on what the segment holds: opens the intake, puts nothing in flight, makes lock
    // and event counts afresh. A run from `file` goes on where that file stands; any other run
    // keeps where a file stands, and its name. Killed at any store of it, it can be called again.
    // Requires that no stage is attached, settings for at least one consumer, and that no other
    // file has progress to lose.
    void begin_run(const Settings& settings,
                   const std::optional<FileIdentity>& file = std::nullopt);

    // Puts an empty segment of another geometry in this one's place, which knows how far the file
    // is. Killed before its end it has changed nothing. Throws as make() does. Requires that
    // nothing is left in this one and that the caller holds it.
    Segment make_successor(const std::string& name, const Geometry& geometry) const;

    // Removes what a launcher that was killed in make_successor() had made. Requires that the
    // caller holds the segment of that name.
    static void remove_unfinished_successor(const std::string& name);

    // Sets the target count of consumers. Requires the launcher's role.
    void scale(std::uint32_t consumers) const {
        header_->consumers.store(consumers);
        header_->scalings.add(1);
    }

    Header& header() const { return *header_; }
    Slot slot(std::uint64_t event) const { return slots_[event & slot_mask_]; }
    // Changes the slot of an event that the tail does not cover yet.
    void set_slot(std::uint64_t event, Slot slot, FaultPoint point = FaultPoint::here()) const {
        point.reached();
        slots_[event & slot_mask_] = slot;
    }
    // Changes those of the events [first, last), payloads of one size that lie side by side from
    // `begin` on.
    void set_slots(std::uint64_t first, std::uint64_t last, std::uint32_t begin,
                   std::uint32_t payload_bytes, FaultPoint point = FaultPoint::here()) const {
        for (const Piece& piece : pieces(first, last)) {
            for (Slot& slot : slots(piece)) {
                point.reached();
                slot.end = begin += payload_bytes;
            }
        }
    }
    // Writes bytes of a payload that the tail does not cover yet, from that position on.
    void write_payload(std::uint32_t position, std::string_view bytes,
                       FaultPoint point = FaultPoint::here()) const {
        point.reached();
        copy_bytes(buffer_ + (position & buffer_mask_), bytes);
    }
    EventStates states() const { return EventStates({states_, slot_mask_ + 1}); }
    // For those who only look.
    SegmentFront front() const { return SegmentFront::at(front_.get_address()); }
    History& history() const { return *history_; }
    // How often the work on an event was begun: counted before the work, up to 255.
    SharedBytes attempts() const { return {attempts_, slot_mask_ + 1}; }
    // When the work on an event is to be tried again: see retry_time.hpp. 0 where it waits for no
    // retry. To be changed by the consumer that has the event.
    std::uint32_t retry_time(std::uint64_t event) const {
        return std::atomic_ref(retry_times_[event & slot_mask_]).load(std::memory_order_relaxed);
    }
    void set_retry_time(std::uint64_t event, std::uint32_t time,
                        FaultPoint point = FaultPoint::here()) const {
        point.reached();
        std::atomic_ref(retry_times_[event & slot_mask_]).store(time, std::memory_order_relaxed);
        point.reached();
    }
    // Whether a source settles events: what follows is for that alone.
    bool is_tracked() const { return is_tracked_; }
    // What the source recognises an event by; 0 where it is not to be. Kept until another event
    // takes the slot.
    std::uint64_t key(std::uint64_t event) const { return keys_[event & slot_mask_]; }
    void set_key(std::uint64_t event, std::uint64_t key,
                 FaultPoint point = FaultPoint::here()) const {
        point.reached();
        keys_[event & slot_mask_] = key;
    }
    // Not 0 where the source has withdrawn an event: it is not to be begun.
    SharedBytes marks() const { return {marks_, slot_mask_ + 1}; }
    // Whether nothing is left that the source has to settle, done or not.
    bool is_settled() const {
        return !is_tracked_ || header_->settled.load() == header_->tail.load();
    }

    // Sets states and attempts of [first, last) back, for the events that take their slots.
    // Requires that no event is there any more, and none yet.
    void forget(std::uint64_t first, std::uint64_t last) const;
    // Has the slot of an event, and its payload that begins there, on their way to a caller that
    // will look at them soon.
    void fetch(std::uint64_t event, std::uint32_t begin) const {
        __builtin_prefetch(slots_ + (event & slot_mask_));
        __builtin_prefetch(bytes_at(begin));
    }
    std::uint32_t alignment() const { return below_alignment_ + 1; }
    // Where a payload begins that follows one with that end.
    std::uint32_t begin_after(std::uint32_t end) const {
        return (end + below_alignment_) & ~below_alignment_;
    }
    std::uint32_t begin_of(std::uint64_t event) const { return begin_after(slot(event - 1).end); }
    std::string_view payload(std::uint64_t event) const { return payload_in(piece_of(event)); }
    // The payload with its trailer, where a source settles events; else all but it is empty.
    TrailedPayload trailed_payload(std::uint64_t event) const {
        const std::string_view piece = piece_of(event);
        return is_tracked_ ? TrailedPayload::of(piece)
                           : TrailedPayload{.payload = piece, .token = {}, .attributes = {}};
    }

    template <typename Take>
    void each_payload(std::uint64_t first, std::uint64_t last, Take take) const {
        std::uint32_t begin = begin_of(first);
        for (const Piece& piece : pieces(first, last)) {
            for (const Slot& slot : slots(piece)) {
                take(payload_in({bytes_at(begin), slot.end - begin}));
                begin = begin_after(slot.end);
            }
        }
    }

    // The state of an event that was given to no consumer yet.
    EventState state_of_new(std::uint64_t event) const {
        return EventState::waiting(partition_of(payload(event), header_->settings));
    }

    // How many events are accepted and not committed.
    std::uint64_t left() const;

    // The place of a position (see Slot); buffer_span bytes from there on are one piece.
    const char* bytes_at(std::uint32_t position) const {
        return buffer_ + (position & buffer_mask_);
    }

  private:
    Segment(Backing backing, const Geometry& geometry);
    // Leaves the backing, and what holds it, to the caller where there is not enough memory.
    static Segment make_in(Backing&& backing, const std::string& what, const Geometry& geometry);

    std::string_view piece_of(std::uint64_t event) const {
        const std::uint32_t begin = begin_of(event);
        return {bytes_at(begin), slot(event).end - begin};
    }
    std::string_view payload_in(std::string_view piece) const {
        return is_tracked_ ? TrailedPayload::of(piece).payload : piece;
    }
    // Where slots, states and attempts of the events [first, last) lie.
    Pieces pieces(std::uint64_t first, std::uint64_t last) const {
        return {first, last, slot_mask_};
    }
    std::span<Slot> slots(const Piece& piece) const { return {slots_ + piece.place, piece.count}; }

    void validate_cursors() const;
    void validate_consumer_states() const;
    void validate_slots() const;
    void validate_settled() const;
    std::uint64_t bytes_between(Slot before, Slot slot) const;
    void reset_supervision() const;
    void reset_states() const;
    void reset_retry_times() const;
    void begin_ledger() const;
    void begin_file(const std::optional<FileIdentity>& file) const;
    std::uint64_t end_of_done_before(std::uint64_t first) const;
    std::uint64_t count_begun(std::uint64_t head) const;
    std::uint64_t begun_in_broadcast(const Ledger& ledger) const;

    Backing backing_;
    boost::interprocess::mapped_region front_;
    boost::interprocess::mapped_region buffer_first_;
    boost::interprocess::mapped_region buffer_again_;
    Header* header_;
    History* history_;
    Slot* slots_;
    std::uint32_t* retry_times_;
    std::uint8_t* states_;
    std::uint8_t* attempts_;
    std::uint64_t* keys_;
    std::uint8_t* marks_;
    char* buffer_;
    std::size_t bytes_;
    bool is_tracked_;
    std::uint64_t slot_mask_;
    std::uint32_t buffer_mask_;
    std::uint32_t below_alignment_;  // the bits that are zero where a payload begins
};

}  // namespace drainpipe
