#include "ring_writer.hpp"

#include <algorithm>
#include <cassert>
#include <mutex>

#include "ledger_change.hpp"

namespace drainpipe {

RingWriter::RingWriter(Segment& segment)
    : segment_(segment),
      lock_(segment),
      tail_(segment.header().tail.load()),
      begin_(segment.begin_of(tail_)) {
    look_at_head();
}

void RingWriter::look_at_head() {
    const Header& header = segment_.header();
    head_ = segment_.is_tracked() ? header.settled.load() : header.head.load();
    used_from_ = segment_.begin_of(head_);
}

RingWriter::Room RingWriter::free_room() const {
    const Geometry& geometry = segment_.header().geometry;
    const std::uint32_t used_bytes = begin_ - used_from_;
    return {.events = geometry.capacity - (tail_ - head_),
            .bytes = static_cast<std::int64_t>(geometry.buffer_bytes) - used_bytes};
}

bool RingWriter::fits(std::size_t payload_bytes) const {
    return payload_bytes <= segment_.header().geometry.buffer_bytes;
}

// The loop works on copies: after each store of bytes a member would have to be read again.
template <typename PayloadOf>
void RingWriter::write_each(std::size_t wanted, const PayloadOf& payload_of, Written& written) {
    const Room room = free_room();
    const std::uint64_t last = std::min<std::uint64_t>(wanted, room.events);
    const std::uint64_t tail = tail_;
    const std::uint32_t begin = begin_;
    const std::int64_t below_alignment = segment_.alignment() - 1;
    std::uint64_t index = written.count;
    std::int64_t bytes = written.bytes;
    for (; index < last; ++index) {
        const std::string_view payload = payload_of(index);
        const std::int64_t end = bytes + static_cast<std::int64_t>(payload.size());
        if (end > room.bytes) {
            break;
        }
        segment_.write_payload(begin + static_cast<std::uint32_t>(bytes), payload);
        segment_.set_slot(tail + index, {.end = begin + static_cast<std::uint32_t>(end)});
        bytes = (end + below_alignment) & ~below_alignment;
    }
    set_keys(tail + written.count, tail + index);
    set_partitions(tail + written.count, tail + index);
    written = {.count = index, .bytes = bytes};
}

void RingWriter::write_run(const char* records, std::size_t wanted, std::size_t record_bytes,
                           Written& written) {
    const Room room = free_room();
    std::uint64_t count = std::min<std::uint64_t>(wanted, room.events);
    if (room.bytes < static_cast<std::int64_t>(count * record_bytes)) {
        count = room.bytes < 0 ? 0 : static_cast<std::uint64_t>(room.bytes) / record_bytes;
    }
    if (count <= written.count) {
        return;
    }
    const std::uint64_t first = tail_ + written.count;
    const std::uint64_t last = tail_ + count;
    const auto bytes = static_cast<std::uint64_t>(written.bytes);
    const std::uint32_t begin = begin_ + static_cast<std::uint32_t>(bytes);
    segment_.write_payload(begin, {records + bytes, count * record_bytes - bytes});
    segment_.set_slots(first, last, begin, static_cast<std::uint32_t>(record_bytes));
    set_partitions(first, last);
    written = {.count = count, .bytes = static_cast<std::int64_t>(count * record_bytes)};
}

void RingWriter::set_keys(std::uint64_t first, std::uint64_t last) const {
    for (std::uint64_t event = first; segment_.is_tracked() && event < last; ++event) {
        segment_.set_key(event, segment_.trailed_payload(event).key);
    }
}

void RingWriter::set_partitions(std::uint64_t first, std::uint64_t last) {
    if (segment_.header().settings.dispatch != Dispatch::partition) {
        return;
    }
    for (std::uint64_t event = first; event < last; ++event) {
        segment_.states().set(event, segment_.state_of_new(event));
    }
}

RingWriter::Pushed RingWriter::accept(const Written& written, std::size_t wanted) {
    Header& header = segment_.header();
    {
        const std::lock_guard guard(lock_);
        if (header.intake_closed.load() != 0) {
            return {.count = 0, .outcome = Outcome::intake_closed};
        }
        if (written.count > 0) {
            header.tail.store(tail_ + written.count);
        }
    }
    if (written.count > 0) {
        tail_ += written.count;
        begin_ += static_cast<std::uint32_t>(written.bytes);
        header.events_available.notify();
    }
    return {.count = written.count,
            .outcome = written.count == wanted ? Outcome::pushed : Outcome::full};
}

template <typename Write>
RingWriter::Pushed RingWriter::push_with(std::size_t wanted, const Write& write) {
    lock_.fetch();
    Written written;
    write(written);
    if (written.count < wanted) {
        look_at_head();
        write(written);
    }
    return accept(written, wanted);
}

RingWriter::Pushed RingWriter::push(std::span<const std::string_view> payloads) {
    assert(std::ranges::all_of(payloads, [&](std::string_view each) { return fits(each.size()); }));
    return push_with(payloads.size(), [&](Written& written) {
        write_each(
            payloads.size(), [&](std::size_t index) { return payloads[index]; }, written);
    });
}

RingWriter::Pushed RingWriter::push_records(const char* records, std::size_t count,
                                            std::size_t record_bytes) {
    assert(fits(record_bytes));
    if (segment_.begin_after(static_cast<std::uint32_t>(record_bytes)) == record_bytes) {
        return push_with(
            count, [&](Written& written) { write_run(records, count, record_bytes, written); });
    }
    const auto record = [&](std::size_t index) {
        return std::string_view(records + index * record_bytes, record_bytes);
    };
    return push_with(count, [&](Written& written) { write_each(count, record, written); });
}

bool RingWriter::wait_for_room(std::size_t payload_bytes, const std::function<bool()>& is_over,
                               std::optional<std::chrono::steady_clock::time_point> until) {
    EventCount& event_count = segment_.header().room_available;
    while (true) {
        const std::uint32_t noted = event_count.prepare_wait();
        look_at_head();
        const Room room = free_room();
        if (room.events > 0 && room.bytes >= static_cast<std::int64_t>(payload_bytes)) {
            return true;
        }
        if (is_over()) {
            return false;
        }
        const auto now = std::chrono::steady_clock::now();
        if (until && *until <= now) {
            return false;
        }
        const std::chrono::nanoseconds backstop = EventCount::kBackstop;
        event_count.wait(noted, until ? std::min(backstop, *until - now) : backstop);
    }
}

RingWriter::Oldest RingWriter::oldest() {
    const std::lock_guard guard(lock_);
    const Ledger& ledger = published_ledger(segment_.header());
    const EventState state = segment_.states().at(ledger.head);
    if (state.is_given()) {
        return {ledger.head, state.consumer(), segment_.retry_time(ledger.head) != 0};
    }
    if (state.is_waiting() && segment_.header().settings.dispatch == Dispatch::partition) {
        return {ledger.head, ledger.partition_owner[state.partition()]};
    }
    for (unsigned consumer = 0; ledger.is_broadcast != 0 && consumer < ledger.consumers_used;
         ++consumer) {
        const ConsumerState& consumer_state = ledger.consumer_states[consumer];
        if (consumer_state.is_taken != 0 && consumer_state.committed == ledger.head) {
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
