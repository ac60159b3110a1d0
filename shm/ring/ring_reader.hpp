#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "robust_lock.hpp"
#include "segment.hpp"

namespace drainpipe {

// The consumer's end of the ring. Moves `head`, `demanded` and `begun`, and begins the drain.
//
// Asking, beginning and committing are separate single stores: killed between any two of them, the
// next reader finds a state that could also have come about without the kill. In-flight payloads
// are read in place, without the lock: they have one owner. So has `begun`, which only the next
// reader looks at.
// Requires that it is the only reader of its segment, in one thread.
class RingReader {
  public:
    // Takes over what an earlier reader had in flight. Events that it had begun and not committed
    // will be begun again; that is counted now, before any work on them.
    explicit RingReader(Segment& segment);

    // Events [first, last), in flight to this reader.
    struct Chunk {
        std::uint64_t first;
        std::uint64_t last;

        bool is_empty() const { return first == last; }
        std::uint64_t size() const { return last - first; }
    };

    // What an earlier reader had begun and not committed, before this one's first turn().
    Chunk repeated() const { return {head(), segment_.header().begun.load()}; }

    // One visit to the lock: commits the next `done` events, adds `asked` to the demand, and hands
    // out up to `limit` events of the delivery at hand. A delivery is what is in flight when the
    // one before it is used up, as in GenStage, where each answer to an ask is one. Requires that
    // `done` events are begun and not committed.
    Chunk turn(std::uint64_t done, std::uint64_t asked, std::uint64_t limit);

    // Notes that the work on all events before `last` has begun or is about to. To be called before
    // the work: what is not begun is not marked as repeated when this process dies.
    void begin(std::uint64_t last);

    // Commits the next `done` begun events: the work on them is done and flushed.
    void commit(std::uint64_t done);

    // Events before it are committed.
    std::uint64_t head() const { return segment_.header().head.load(); }

    // How many more events may come than were committed: in flight and unmet demand.
    std::uint64_t pending() const { return segment_.header().demanded.load() - head(); }

    std::string_view payload(std::uint64_t event) const {
        const Slot& slot = segment_.slot(event);
        return {segment_.bytes_at(slot.begin), slot.length};
    }

    // 1, and one more for each reader that began the event and died with it.
    std::uint32_t attempt(std::uint64_t event) const;

    // Sleeps until there is something in flight that was not handed out, or `is_over()` is true.
    // Whoever makes is_over() true must ring the segment's events_bell after it.
    void wait_for_events(const std::function<bool()>& is_over);

    struct Drain {
        std::uint64_t head;           // events before it are committed
        std::uint64_t in_flight_end;  // events before it were in flight when the drain began
        std::uint64_t tail;           // final
        bool closed_intake;           // the intake was still open
    };

    // Closes the intake and notes where the drain begins, if no reader has done so before.
    Drain begin_drain();

    // Puts all that is still buffered in flight. Requires begin_drain().
    void map_buffered();

  private:
    std::uint64_t dispatched() const;
    void count_redelivery();

    Segment& segment_;
    RobustLock lock_;
    std::uint16_t attachment_;
    std::uint64_t handed_out_;  // events before it were
    std::uint64_t delivery_end_;
};

}  // namespace drainpipe
