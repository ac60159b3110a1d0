#include "ring_writer.hpp"

#include <cstring>
#include <mutex>

#include "ledger_change.hpp"

namespace drainpipe {

RingWriter::RingWriter(Segment& segment)
    : segment_(segment),
      lock_(segment),
      tail_(segment.header().tail.load()),
      end_(0),
      head_(0),
      used_from_(0) {
    // With nothing in the ring any place is as good as another, and the last slot may hold what a
    // killed writer had begun to write.
    if (tail_ != segment_.header().head.load()) {
        const Slot& last = segment_.slot(tail_ - 1);
        end_ = last.begin + last.length;
    }
    look_at_head();
}

void RingWriter::look_at_head() {
    head_ = segment_.header().head.load();
    used_from_ = head_ == tail_ ? end_ : segment_.slot(head_).begin;
}

bool RingWriter::has_room(std::size_t payload_bytes, std::uint64_t events_ahead,
                          std::uint64_t bytes_ahead) const {
    const Shape& shape = segment_.header().shape;
    const std::uint64_t used_events = tail_ - head_ + events_ahead;
    const std::uint64_t used_bytes = static_cast<std::uint32_t>(end_ - used_from_) + bytes_ahead;
    return used_events < shape.capacity && used_bytes + payload_bytes <= shape.buffer_bytes;
}

bool RingWriter::fits(std::size_t payload_bytes) const {
    return payload_bytes <= segment_.header().shape.buffer_bytes;
}

std::size_t RingWriter::fill(std::span<const std::string_view> payloads) {
    std::uint64_t bytes = 0;
    std::size_t count = 0;
    for (const std::string_view payload : payloads) {
        if (!has_room(payload.size(), count, bytes)) {
            break;
        }
        const auto begin = static_cast<std::uint32_t>(end_ + bytes);
        FaultPoint::here().reached();
        segment_.slot(tail_ + count) = {.begin = begin,
                                        .length = static_cast<std::uint32_t>(payload.size())};
        FaultPoint::here().reached();
        std::memcpy(segment_.bytes_at(begin), payload.data(), payload.size());
        segment_.marks().set(tail_ + count, segment_.mark_of_new(tail_ + count));
        FaultPoint::here().reached();
        segment_.attempts(tail_ + count) = 0;
        bytes += payload.size();
        ++count;
    }
    return count;
}

RingWriter::Pushed RingWriter::push(std::span<const std::string_view> payloads) {
    std::size_t count = fill(payloads);
    if (count < payloads.size()) {
        look_at_head();
        count = fill(payloads);
    }
    Header& header = segment_.header();
    {
        const std::lock_guard guard(lock_);
        if (header.intake_closed.load() != 0) {
            return {.count = 0, .outcome = Outcome::intake_closed};
        }
        if (count > 0) {
            header.tail.store(tail_ + count);
        }
    }
    if (count > 0) {
        tail_ += count;
        const Slot& last = segment_.slot(tail_ - 1);
        end_ = last.begin + last.length;
        header.events_bell.ring();
    }
    return {.count = count, .outcome = count == payloads.size() ? Outcome::pushed : Outcome::full};
}

void RingWriter::wait_for_room(std::size_t payload_bytes, const std::function<bool()>& is_over) {
    Doorbell& bell = segment_.header().room_bell;
    while (true) {
        const std::uint32_t noted = bell.prepare();
        look_at_head();
        if (has_room(payload_bytes, 0, 0) || is_over()) {
            return;
        }
        bell.sleep(noted);
    }
}

RingWriter::Oldest RingWriter::oldest() {
    const std::lock_guard guard(lock_);
    const Ledger& ledger = holding_ledger(segment_.header());
    const Mark mark = segment_.marks().at(ledger.head);
    if (mark.is_given()) {
        return {ledger.head, mark.consumer()};
    }
    for (unsigned consumer = 0; ledger.is_broadcast != 0 && consumer < ledger.seats_used;
         ++consumer) {
        const Seat& seat = ledger.seats[consumer];
        if (seat.is_taken != 0 && seat.committed == ledger.head) {
            return {ledger.head, consumer};
        }
    }
    return {ledger.head, std::nullopt};
}

bool RingWriter::close_intake() {
    const std::lock_guard guard(lock_);
    Header& header = segment_.header();
    const bool was_open = header.intake_closed.load() == 0;
    if (was_open) {
        header.intake_closed.store(1);
    }
    return was_open;
}

}  // namespace drainpipe
