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
// still has: it tells the sender.
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
// - a user's function, in a thread of its own: it hands events over to serve() under a lock, with
//   an eventfd, and waits where on_full() was called.
class Source {
  public:
    // The ring, as a source sees it.
    class Acceptor {
      public:
        virtual ~Acceptor() = default;

        // Puts the payloads in the ring, in order, and waits for room where it is full. Returns how
        // many are in: fewer than all only where nothing is accepted any more. Requires that each
        // fits into an empty ring.
        virtual std::size_t accept(std::span<const std::string_view> payloads) = 0;

        // Nothing is accepted any more: serve() is to return.
        virtual bool is_over() const = 0;
    };

    enum class Ending {
        leaving,  // this producer alone: another one takes over in a moment
        closed,   // the intake, for good
    };

    virtual ~Source() = default;

    // Readable, as poll() has it, when serve() has something to do; -1 where that will never be
    // again.
    virtual int wait_fd() const = 0;
    // When it has something to do though nothing is readable.
    virtual std::optional<std::chrono::steady_clock::time_point> next_time() const {
        return std::nullopt;
    }

    // Accepts what has come, and waits for nothing but room in the ring.
    virtual void serve(Acceptor& acceptor) = 0;

    // The ring is full: within accept(), before it waits. So many of its payloads are in.
    virtual void on_full(std::size_t /*accepted*/) {}

    // Nothing is accepted any more. Accepts no new client, and tells each what became of its
    // events; takes no longer than a moment, even where a client does not listen.
    virtual void end(Ending ending) = 0;
};

}  // namespace drainpipe
