#pragma once

#include <cstddef>
#include <string>

#include "log.hpp"
#include "ring_writer.hpp"
#include "segment.hpp"
#include "source.hpp"
#include "stall.hpp"

namespace drainpipe {

// Puts what a source has into the ring. A full ring stops the source; nothing is ever dropped. An
// event is accepted once it is in the ring, and that is what its sender is told.
class Intake final : private Source::Acceptor {
  public:
    // What the loop asks of the process around it.
    class Host {
      public:
        virtual ~Host() = default;

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

    // Requires that there is no other writer of the segment.
    Intake(Segment& segment, Source& source, Log& log, Host& host);

    // Returns when the source has ended, and everyone was told.
    void run();

  private:
    std::size_t accept(std::span<const std::string_view> payloads) override;
    bool is_over() const override;

    void wait() const;
    void wait_for_room(std::size_t payload_bytes);
    // Where nothing has been committed for long.
    void say_who_holds_up();
    void close();

    Segment& segment_;
    Source& source_;
    Log& log_;
    Host& host_;
    RingWriter writer_;
    Stall stall_;
    bool is_closed_ = false;
};

}  // namespace drainpipe
