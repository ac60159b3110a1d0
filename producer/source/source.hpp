#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace drainpipe {

// Where events come from: the seam for all that takes events in.
//
// The intake waits until the source has something, has it serve, and at the end tells it why no
// more is accepted; all in one thread. What is accepted is never lost, and what is not, the source
// still has: it tells the sender. There may be several sources.
//
// How it fits:
//
// - the socket: wait_fd() is an epoll descriptor over its clients; serve() reads what they sent,
//   accepts it, and tells each how many of its events are in.
//
// - the lines of a file: always readable until its end; serve() accepts the next block of lines.
//   Where it was follows from how many were accepted.
//
// - a stream in the network: the client library's descriptor, or an eventfd that its callback
//   writes to; serve() accepts what was delivered and acknowledges it there.
//
// - a user's function, in a thread of its own that serve() starts: it accepts from there, and
//   writes to an eventfd when it has returned.
class Source {
  public:
    using Clock = std::chrono::steady_clock;

    // How long to wait for room where the ring is full.
    static constexpr Clock::time_point kForever = Clock::time_point::max();
    static constexpr Clock::time_point kNever = Clock::time_point::min();

    // Payloads of one size that lie side by side.
    struct Records {
        const char* first;
        std::size_t count;
        std::size_t bytes;  // of each
    };

    // The ring, as a source sees it. Any thread may call, until end() has returned.
    class Acceptor {
      public:
        virtual ~Acceptor() = default;

        // Puts the payloads in the ring, in order, with nothing of another source in between, and
        // waits for room where it is full, until that time at most. Returns how many are in: fewer
        // than all only where nothing is accepted any more, or it is so late. Requires that each
        // fits into an empty ring.
        virtual std::size_t accept(std::span<const std::string_view> payloads,
                                   Clock::time_point until) = 0;
        std::size_t accept(std::span<const std::string_view> payloads) {
            return accept(payloads, kForever);
        }
        virtual std::size_t accept_records(const Records& records, Clock::time_point until) = 0;

        // Nothing is accepted any more: serve() is to return.
        virtual bool is_over() const = 0;
    };

    enum class Ending {
        leaving,  // this producer alone: another one takes over in a moment
        closed,   // the intake, for good
    };

    virtual ~Source() = default;

    // Before all other calls, once. The acceptor lives until end() has returned.
    virtual void begin(Acceptor& /*acceptor*/) {}

    // Readable, as poll() has it, when serve() has something to do; -1 where that will never be
    // again.
    virtual int wait_fd() const = 0;
    // When it has something to do though nothing is readable.
    virtual std::optional<Clock::time_point> next_time() const { return std::nullopt; }

    // How many senders are connected.
    virtual std::size_t clients() const { return 0; }

    // Accepts what has come, and waits for nothing but room in the ring.
    virtual void serve(Acceptor& acceptor) = 0;

    // The ring is full: within accept(), in its thread, before it waits. So many of its payloads
    // are in.
    virtual void on_full(std::size_t /*accepted*/) {}

    // Nothing is accepted any more. Accepts no new client, and tells each what became of its
    // events; takes no longer than a moment, even where a client does not listen. But for a source
    // that settles events where the intake is closed: that goes on until there is nothing to
    // settle.
    virtual void end(Ending ending) = 0;
};

}  // namespace drainpipe
