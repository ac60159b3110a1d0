#include <span>
#include <string>

#include "segment.hpp"

// What a segment must be like before a launcher trusts it.
namespace drainpipe {
namespace {

// How long the payloads are that these slots tell of, but for the first of them.
std::uint64_t bytes_behind_first(std::span<const Slot> slots) {
    std::uint64_t bytes = 0;
    for (std::size_t index = 1; index < slots.size(); ++index) {
        bytes += slots[index].end - slots[index - 1].end;
    }
    return bytes;
}

}  // namespace

void Segment::validate() const {
    validate_cursors();
    validate_consumer_states();
    validate_slots();
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

// All of them together, for a ring may hold a hundred million; one by one to name the damaged one.
void Segment::validate_slots() const {
    const std::uint64_t head = read_ledger(*header_).head;
    const std::uint64_t tail = header_->tail.load();
    std::uint64_t bytes = 0;
    for (const Piece& piece : pieces(head, tail)) {
        bytes += payload(piece.first).size() + bytes_behind_first(slots(piece));
    }
    const auto is_invalid = [](EventState state) { return !state.is_valid(); };
    if (bytes <= header_->geometry.buffer_bytes && states().count(head, tail, is_invalid) == 0) {
        return;
    }
    bytes = 0;
    for (std::uint64_t event = head; event < tail; ++event) {
        bytes += payload(event).size();
        if (bytes > header_->geometry.buffer_bytes || !states().at(event).is_valid()) {
            throw SegmentUnusable("the segment is damaged: the slot of event id=" +
                                  std::to_string(event + 1));
        }
    }
}

}  // namespace drainpipe
