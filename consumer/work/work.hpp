#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>

#include "drainpipe/consumer.hpp"
#include "drainpipe/event.hpp"

namespace drainpipe {

// What a consumer does with events: the seam for all that can be done with them.
//
// The consumer has it start events, as many as it takes, has it advance, and takes the outcome of
// each, in any order; over and over, in one thread. No call waits for anything but its own output
// to be written: wait_fd() and next_time() tell of what takes longer.
//
// How it fits:
//
// - printing: start() appends payloads to a block until that is full, advance() writes it out. All
//   that was started has ended then.
//
// - a command for each event: start() spawns one, room() is what is left of the jobs. wait_fd() is
//   an epoll descriptor over the children's pidfds and their pipes, next_time() the next time-out;
//   advance() takes what is ready and tells those that have exited.
//
// - a worker that is kept: start() appends a line to what it is to be sent, room() is its window;
//   advance() writes and reads as far as both go, and tells each answer, in the worker's order.
//
// - a sink in the network: start() publishes, the client library's descriptor or its callback
//   (through an eventfd) makes wait_fd() readable, advance() tells what was acknowledged.
//
// - a user's function: handle() calls it, and it has ended when it returns. If it settles later,
//   from any thread, start() calls it, and what is settled writes to an eventfd.
class Work {
  public:
    // When the work on an event ends that was started.
    enum class Ends {
        at_once,  // with the next advance(), all of them; nothing is told
        in_turn,  // when handle() returns, before the next one is called
        later,    // when advance() tells
    };

    using Clock = std::chrono::steady_clock;

    // Told what became of events that were started: one call for each. Reasons are for people, in a
    // few words ("exit status 3"); `errors` is the end of what the work wrote to standard error.
    class Outcomes {
      public:
        virtual ~Outcomes() = default;
        // The work on it is done, and has had its effect. How long it took, where that is worth
        // telling.
        virtual void done(std::uint64_t id, std::optional<Clock::duration> took) = 0;
        // It has failed, and is started again later if any attempts are left.
        virtual void failed(std::uint64_t id, std::string_view reason, std::string_view errors) = 0;
        // It is given up.
        virtual void dead(std::uint64_t id, std::string_view reason, std::string_view errors) = 0;
        // Besides, for the metrics: how long the work on each of so many events took, whatever has
        // become of them.
        virtual void worked(Clock::duration /*each*/, std::uint64_t /*events*/) {}
    };

    virtual ~Work() = default;

    virtual Ends ends() const = 0;

    // The most events that are taken in hand for it now. Where work ends later, start() has room
    // for all of them.
    virtual std::size_t room() const { return std::numeric_limits<std::size_t>::max(); }

    // Where work ends in turn start() is not called, but these. The most events that handle() takes
    // at a time, or 0 for 1.
    virtual std::size_t most_in_batch() const { return 1; }
    // Does the work on these events, and says what became of them all; what it has put out is out
    // with the next advance().
    virtual Outcome handle(Batch /*events*/) { return retry("not to be done in turn"); }

    // Starts the work on the first of these events, in order, as many as there is room for, and
    // returns how many: at least one where nothing is started.
    virtual std::size_t start(std::span<const Event> events) = 0;

    // Goes on with what was started, and tells what has ended. Throws Failure where no event can be
    // worked on any more; what was not told to be done is left for the next consumer then.
    virtual void advance(Outcomes& outcomes) = 0;

    // How many commands or workers it keeps running now.
    virtual std::size_t jobs() const { return 0; }

    // The consumer stops: nothing waits for company any more.
    virtual void begin_stop() {}

    // No event follows: what the work keeps running is to end. advance() goes on until is_closed().
    virtual void close() {}
    virtual bool is_closed() const { return true; }

    // Readable, as poll() has it, when advance() has something to do. -1 where the work ends at
    // once.
    virtual int wait_fd() const { return -1; }
    // When it has something to do though nothing is readable.
    virtual std::optional<Clock::time_point> next_time() const { return std::nullopt; }
};

}  // namespace drainpipe
