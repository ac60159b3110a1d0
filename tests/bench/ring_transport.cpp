#include "ring_transport.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <span>
#include <string_view>

#include "spin.hpp"

namespace drainpipe::bench {
namespace {

constexpr std::uint64_t kSmallBatch = 100;  // not worth a look at the tail
constexpr int kGatheringPauses = 1000;

std::string free_name() {
    static std::atomic<int> count{0};
    return "dp-bench-" + std::to_string(::getpid()) + "-" + std::to_string(++count);
}

}  // namespace

RingTransport::RingTransport(const Load& load, Waiting waiting)
    : load_(load),
      waiting_(waiting),
      name_(free_name()),
      segment_(Segment::make(name_, Geometry::of(load.room, load.room * load.bytes))) {
    Segment::remove(name_);  // its two processes have it mapped
    Settings settings{};
    settings.consumers = 1;
    segment_.begin_run(settings);
}

RingTransport::~RingTransport() = default;

void RingTransport::open_sender() { writer_ = std::make_unique<RingWriter>(segment_); }

void RingTransport::open_receiver() {
    reader_ = std::make_unique<Delivery>(segment_);
    reader_->turn(0, load_.room, 0);
}

bool RingTransport::has_events() const { return segment_.header().tail.load() != taken_; }

void RingTransport::wait_for_room() {
    if (waiting_ == Waiting::sleeping) {
        writer_->wait_for_room(load_.bytes, [] { return false; });
    } else {
        const Header& header = segment_.header();
        spin_while([&] { return pushed_ - header.head.load() == load_.room; });
    }
}

void RingTransport::commit() {
    reader_->turn(done_, done_, 0);
    done_ = 0;
}

Delivery::Chunk RingTransport::next_chunk() {
    if (waiting_ != Waiting::sleeping) {
        if (done_ > 0 && !has_events()) {
            commit();  // while there is nothing else to do
        }
        spin_while([&] { return !has_events(); });
    }
    const Delivery::Chunk chunk = reader_->turn(done_, done_, load_.room);
    return chunk.is_empty() ? reader_->wait(load_.room, [] { return false; }) : chunk;
}

void RingTransport::send(const char* events, std::size_t count) {
    payloads_.clear();
    for (std::size_t event = 0; event < count; ++event) {
        payloads_.emplace_back(events + event * load_.bytes, load_.bytes);
    }
    std::span<const std::string_view> left(payloads_);
    while (true) {
        const std::size_t pushed = writer_->push(left).count;
        pushed_ += pushed;
        left = left.subspan(pushed);
        if (left.empty()) {
            return;
        }
        wait_for_room();
    }
}

void RingTransport::receive(SequenceCheck& check) {
    const Delivery::Chunk chunk = next_chunk();
    SequenceCheck seen = check;  // a copy that no store to shared memory can be taken to change
    for (const EventRange& range : chunk.ranges) {
        reader_->begin(range);
        for (std::uint64_t event = range.first; event < range.last; ++event) {
            const std::string_view payload = reader_->payload(event);
            seen.see(payload.data(), payload.size());
        }
        taken_ = range.last;
    }
    check = seen;
    done_ = chunk.size();
    if (waiting_ == Waiting::gathering && done_ < kSmallBatch) {
        // Each look at the tail takes its line away from the sender: let a batch build up.
        pause_for(kGatheringPauses);
    }
}

}  // namespace drainpipe::bench
