#include <span>
#include <string>

#include "segment.hpp"

// What a segment must be like before a launcher trusts it.
namespace drainpipe {

void Segment::validate() const {
    validate_cursors();
    validate_consumer_states();
    validate_slots();
    validate_settled();
}

void Segment::validate_cursors() const {
    const Header& header = *header_;
    const Ledger ledger = read_ledger(header);
    const std::uint64_t tail = header.tail.load();
    const bool is_in_order = header.head.load() <= ledger.head && ledger.head <= tail &&
                             ledger.head <= ledger.waiting_from && ledger.waiting_from <= tail &&
                             ledger.head <= ledger.given_end && ledger.given_end <= tail &&
                             tail - header.head.load() <= header.geometry.capacity &&
                             ledger.consumers_used <= kMaxConsumers;
    if (header.file_standing.load() > FileStanding::suspended) {
        throw SegmentUnusable("the segment is damaged: its file's standing is none that there is");
    }
    if (!is_in_order) {
        throw SegmentUnusable("the segment is damaged: head=" + std::to_string(ledger.head) +
                              " waiting_from=" + std::to_string(ledger.waiting_from) +
                              " given_end=" + std::to_string(ledger.given_end) +
                              " tail=" + std::to_string(tail));
    }
}

// Where each consumer gets every event. Requires sound cursors.
void Segment::validate_consumer_states() const {
    const Ledger& ledger = header_->ledgers[header_->ledger_changes.load() % 2];
    const std::uint64_t tail = header_->tail.load();
    for (const ConsumerState& consumer_state :
         std::span(ledger.consumer_states).first(ledger.consumers_used)) {
        const bool counts = ledger.is_broadcast != 0 && consumer_state.is_taken != 0;
        if (counts && (consumer_state.committed < ledger.head || consumer_state.committed > tail)) {
            throw SegmentUnusable("the segment is damaged: a consumer has come to " +
                                  std::to_string(consumer_state.committed) +
                                  ", outside of head and tail");
        }
    }
}

// From the end of the payload before to the end of this one; more than any buffer has where this
// one ends before it begins.
std::uint64_t Segment::bytes_between(Slot before, Slot slot) const {
    const std::uint32_t begin = begin_after(before.end);
    return std::uint64_t{begin - before.end} + std::uint64_t{slot.end - begin};
}

// All of them together, for a ring may hold a hundred million; one by one to name the damaged one.
void Segment::validate_slots() const {
    const std::uint64_t head = read_ledger(*header_).head;
    const std::uint64_t tail = header_->tail.load();
    // The padding in front of the first one is no longer in use.
    const std::uint64_t room =
        header_->geometry.buffer_bytes + (begin_of(head) - slot(head - 1).end);
    std::uint64_t bytes = 0;
    for (const Piece& piece : pieces(head, tail)) {
        Slot before = slot(piece.first - 1);
        for (const Slot each : slots(piece)) {
            bytes += bytes_between(before, each);
            before = each;
        }
    }
    const auto is_invalid = [](EventState state) { return !state.is_valid(); };
    if (bytes <= room && states().count(head, tail, is_invalid) == 0) {
        return;
    }
    bytes = 0;
    for (std::uint64_t event = head; event < tail; ++event) {
        bytes += bytes_between(slot(event - 1), slot(event));
        if (bytes > room || !states().at(event).is_valid()) {
            throw SegmentUnusable("the segment is damaged: the slot of event id=" +
                                  std::to_string(event + 1));
        }
    }
}

// Room is free only where events are settled, and those that are not are to be read once more.
void Segment::validate_settled() const {
    if (!is_tracked_) {
        return;
    }
    const std::uint64_t settled = header_->settled.load();
    const std::uint64_t head = header_->head.load();
    const std::uint64_t tail = header_->tail.load();
    bool is_sound = settled <= head && tail - settled <= header_->geometry.capacity;
    std::uint64_t bytes = 0;
    const std::uint64_t room =
        header_->geometry.buffer_bytes + (begin_of(settled) - slot(settled - 1).end);
    for (std::uint64_t event = settled; is_sound && event < tail; ++event) {
        bytes += bytes_between(slot(event - 1), slot(event));
        is_sound = bytes <= room && states().at(event).is_valid();
    }
    if (!is_sound) {
        throw SegmentUnusable("the segment is damaged: settled=" + std::to_string(settled) +
                              " head=" + std::to_string(head) + " tail=" + std::to_string(tail));
    }
}

}  // namespace drainpipe
