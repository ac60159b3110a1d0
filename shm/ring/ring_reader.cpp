#include "ring_reader.hpp"

#include <algorithm>
#include <mutex>

namespace drainpipe {

RingReader::RingReader(Segment& segment)
    : segment_(segment), lock_(segment.header().lock), attachment_(0) {
    const std::lock_guard guard(lock_);
    count_redelivery();
    handed_out_ = delivery_end_ = segment_.header().head.load();
}

void RingReader::count_redelivery() {
    Header& header = segment_.header();
    Attachments attachments = header.attachments.load();
    const std::uint64_t repeated = header.begun.load() - header.head.load();
    if (repeated > 0) {
        ++attachments.count;
        attachments.redelivered =
            (attachments.redelivered + repeated) & Attachments::kMostRedelivered;
        header.attachments.store(attachments);
    }
    attachment_ = attachments.count;
}

std::uint64_t RingReader::dispatched() const {
    const Header& header = segment_.header();
    return std::min(header.demanded.load(), header.tail.load());
}

RingReader::Chunk RingReader::turn(std::uint64_t done, std::uint64_t asked, std::uint64_t limit) {
    Header& header = segment_.header();
    {
        const std::lock_guard guard(lock_);
        if (done > 0) {
            header.head.store(header.head.load() + done);
        }
        if (asked > 0) {
            header.demanded.store(header.demanded.load() + asked);
        }
        if (handed_out_ == delivery_end_ && limit > 0) {
            delivery_end_ = std::max(delivery_end_, dispatched());
        }
    }
    if (done > 0) {
        header.room_bell.ring();
    }
    const Chunk chunk{handed_out_, std::min(delivery_end_, handed_out_ + limit)};
    handed_out_ = chunk.last;
    return chunk;
}

void RingReader::begin(std::uint64_t last) {
    Header& header = segment_.header();
    const std::uint64_t begun = header.begun.load();
    if (last <= begun) {
        return;
    }
    for (std::uint64_t event = begun; event < last; ++event) {
        FaultPoint::here().reached();
        segment_.first_attempt(event) = attachment_;
    }
    header.begun.store(last);
}

void RingReader::commit(std::uint64_t done) { turn(done, 0, 0); }

std::uint32_t RingReader::attempt(std::uint64_t event) const {
    return static_cast<std::uint16_t>(attachment_ - segment_.first_attempt(event)) + 1u;
}

void RingReader::wait_for_events(const std::function<bool()>& is_over) {
    Doorbell& bell = segment_.header().events_bell;
    while (true) {
        const std::uint32_t noted = bell.prepare();
        if (dispatched() > handed_out_ || is_over()) {
            return;
        }
        bell.sleep(noted);
    }
}

RingReader::Drain RingReader::begin_drain() {
    const std::lock_guard guard(lock_);
    Header& header = segment_.header();
    const bool was_open = header.intake_closed.load() == 0;
    if (was_open) {
        header.intake_closed.store(1);
    }
    if (header.drain_begun.load() == 0) {
        header.stopped_head.store(header.head.load());
        header.stopped_dispatched.store(std::max(header.head.load(), dispatched()));
        header.drain_begun.store(1);
    }
    return {.head = header.head.load(),
            .in_flight_end = header.stopped_dispatched.load(),
            .tail = header.tail.load(),
            .closed_intake = was_open};
}

void RingReader::map_buffered() {
    const std::lock_guard guard(lock_);
    Header& header = segment_.header();
    if (header.demanded.load() < header.tail.load()) {
        header.demanded.store(header.tail.load());
    }
}

}  // namespace drainpipe
