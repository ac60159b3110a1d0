#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "log.hpp"
#include "ring_writer.hpp"
#include "segment.hpp"
#include "source.hpp"
#include "stall.hpp"

namespace drainpipe {

// Puts what sources have into the ring. A full ring stops them; nothing is ever dropped. An event
// is accepted once it is in the ring, and that is what its sender is told.
class IntakeLoop {
  public:
    using Clock = Source::Clock;

    // What the loop asks of the process around it.
    class Host {
      public:
        virtual ~Host() = default;

        // These two are asked by any thread.
        virtual bool should_leave() const = 0;
        // The pipeline is coming to its end, and so does the intake.
        virtual bool is_stopping() const = 0;
        // Readable once this process was asked to leave or its launcher is gone; the segment's
        // room_available is notified then, too.
        virtual int wake_fd() const = 0;
        // "consumer.2 pid=123", for one by its number from 0.
        virtual std::string describe_consumer(unsigned number) const = 0;
        // Says it in the log and on standard error.
        virtual void warn(const std::string& what) = 0;
    };

    using Sources = std::vector<std::unique_ptr<Source>>;

    // Requires that there is no other writer of the segment, and a source. All outlive this object.
    IntakeLoop(Segment& segment, const Sources& sources, Log& log, Host& host);

    // Returns when the sources have ended, and everyone was told.
    void run();

  private:
    // The ring, as one of the sources sees it.
    class Entrance final : public Source::Acceptor {
      public:
        Entrance(IntakeLoop& loop, Source& source) : loop_(loop), source_(source) {}

        Source& source() const { return source_; }
        std::size_t accept(std::span<const std::string_view> payloads,
                           Clock::time_point until) override;
        std::size_t accept_records(const Source::Records& records,
                                   Clock::time_point until) override;
        bool is_over() const override { return loop_.is_over(); }

      private:
        IntakeLoop& loop_;
        Source& source_;
    };

    bool is_over() const;
    void serve();
    void wait() const;
    void show_clients();
    // Accepts `count` payloads: `push` those that are left after so many, the first of which has a
    // size that `bytes_of` says.
    template <typename Push, typename BytesOf>
    std::size_t accept_all(Source& source, std::size_t count, Clock::time_point until, Push push,
                           BytesOf bytes_of);
    // Takes the ring for one source; false where another one waits for room, and it gets too late.
    bool take_ring(std::unique_lock<std::timed_mutex>& ring, Clock::time_point until) const;
    // Whether there may be room now.
    bool wait_for_room(std::size_t payload_bytes, Clock::time_point until);
    // Where nothing has been committed for long.
    void say_who_holds_up();
    void close();
    void end_sources(Source::Ending ending);

    Segment& segment_;
    Log& log_;
    Host& host_;
    std::deque<Entrance> entrances_;
    std::timed_mutex ring_;  // held by the source that accepts; the writer and the stall are its
    RingWriter writer_;
    Stall stall_;
    std::atomic<bool> is_full_{false};  // a source waits for room
    std::atomic<bool> is_closed_{false};
    std::atomic<bool> is_broken_{false};  // a source has thrown
};

}  // namespace drainpipe
