#pragma once

// A consumer of your own: a program that does the work on each event of a pipeline.
//
//     int main(int argc, char** argv) {
//         return drainpipe::consume(argc, argv, [](const drainpipe::Event& event) {
//             store(event.payload());
//             return drainpipe::done();
//         });
//     }
//
// `launcher --consumer PATH` starts it as it would start its own: as many as --consumers says,
// again when they die, with demand, order by key, retries, dead letters, log and account, and the
// drain. Started by hand (in a debugger) it joins the running pipeline --name where its place is
// free.
//
// What is not there for a consumer of your own: --exec's and --worker's --timeout (a handler that
// hangs can't be ended without its process; the stop's deadline does that), and standard error in
// dead letters (it is the process's, not the event's: put what matters in the reason).

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "drainpipe/event.hpp"

namespace drainpipe {

// What became of the work on an event. An event is committed, and never delivered again, once its
// outcome is told and written down: done() is to be told when the work has had its effect.
class [[nodiscard]] Outcome {
  public:
    enum class Kind : std::uint8_t { done, retry, dead };

    Outcome(Kind kind, std::string text) : kind_(kind), text_(std::move(text)) {}
    explicit Outcome(Kind kind) : kind_(kind) {}

    Kind kind() const { return kind_; }
    // Of what is done the line for standard output, of all else the reason.
    bool has_text() const { return text_.has_value(); }
    std::string_view text() const { return text_ ? std::string_view(*text_) : std::string_view(); }

  private:
    Kind kind_;
    std::optional<std::string> text_;
};

// The work is done.
inline Outcome done() { return Outcome(Outcome::Kind::done); }

// It is done, and its result is a line (without the newline) on the pipeline's standard output,
// where no line mixes with another consumer's. It is written before the event is committed.
inline Outcome done(std::string line) { return {Outcome::Kind::done, std::move(line)}; }

// It has failed, and is to be tried again: after a pause that doubles (--backoff), at most
// --retries times; then it is dead. In a stop there is one more try, then it is left for the next
// start.
inline Outcome retry(std::string reason) { return {Outcome::Kind::retry, std::move(reason)}; }

// It will never be done: the event goes to the dead letters, with this reason.
inline Outcome dead(std::string reason) { return {Outcome::Kind::dead, std::move(reason)}; }

// Does the work on an event. An exception is a retry with its what(). A process that dies in it has
// used an attempt: after 1 + --retries of them the event is a dead letter, so that one event that
// kills every process can't hold up all others for ever.
using Handler = std::function<Outcome(const Event&)>;

// Joins the pipeline that the command line names, calls the handler with each event that this
// consumer gets, one after the other, in this thread, and returns when the consumer is to leave or
// has drained. Returns what main() is to return: 0, or an exit code of the reference's, said in one
// line on standard error (64 for a command line that it does not know, 69 where no such pipeline
// runs, 73 where its segment is of another version of this library, 75 where its place is taken).
//
// Events that take next to no time are committed many at a time, after at most some milliseconds of
// work, or 64 events where they get slow all at once: a kill repeats those. One that was begun
// before is worked on and committed by itself.
//
// Requires a handler, a launcher with --consumer, and that it is called once, with the process's
// real argc and argv; the options are the stage's own, so that settings of yours go through the
// environment. From here on signals are the library's, for good: SIGTERM, SIGINT and SIGHUP are its
// own, all others that would end the process and can be ignored are, and this thread's mask is
// replaced. Threads that were started before are to have the three blocked.
[[gnu::visibility("default")]] int consume(int argc, char** argv, const Handler& handler);

// Events that a handler gets together, at least one, in the order of their ids. It owns nothing,
// and is valid until the handler returns.
class Batch {
  public:
    // For tests of handlers.
    Batch(const Event* first, std::size_t size) : first_(first), size_(size) {}

    const Event* begin() const { return first_; }
    const Event* end() const { return first_ + size_; }
    std::size_t size() const { return size_; }
    // Requires an index below size().
    const Event& operator[](std::size_t index) const { return first_[index]; }

  private:
    const Event* first_;
    std::size_t size_;
};

// Does the work on a batch. Its outcome is that of every event in it; the line of done(line) is put
// out once. Where a batch of several fails, by retry(), dead() or an exception, each of its events
// has used an attempt, and they are tried again one by one, so that only the bad ones end as dead
// letters.
using BatchHandler = std::function<Outcome(const Batch&)>;

// As consume(), for work that is cheaper for many events at once: a transaction, a sync, a bulk
// request. The handler gets what is waiting: at most `most` events (0 counts as 1), never more than
// --max-demand, and with --partition-by at most one of each partition. It does not wait for a batch
// to fill. An event that was begun before comes alone; so does every event with --retries 0 or
// --rate.
//
// A kill repeats the events of the batch that is worked on, one by one, and up to some milliseconds
// of earlier ones. A batch should take much less time than --grace: where a stop's deadline cuts it
// off, all of it comes again and has used an attempt. Consumers share the work by batches: where
// one event is slow, a small `most` keeps all of them busy.
[[gnu::visibility("default")]] int consume_batches(int argc, char** argv,
                                                   const BatchHandler& handler,
                                                   std::size_t most = 256);

class TokenBody;

// An event whose outcome is told later, from any thread. A token that goes away without one is a
// retry. One token is used by one thread at a time; each stands for itself.
class [[gnu::visibility("default")]] Token {
  public:
    explicit Token(std::unique_ptr<TokenBody> body);
    Token(Token &&) noexcept;
    Token& operator=(Token&&) noexcept;
    ~Token();

    // Whether an outcome can be told: not after settle(), and not of a token that was moved from.
    explicit operator bool() const { return body_ != nullptr; }

    // Requires that an outcome can be told.
    const Event& event() const;

    // Tells the outcome; the payload is not to be read after it. Never waits. Requires that an
    // outcome can be told. After consume_async() has returned it does nothing.
    void settle(Outcome outcome);

  private:
    std::unique_ptr<TokenBody> body_;
};

// Begins the work on an event and returns; it is to wait for nothing. An exception is a retry with
// its what(), where the token was not settled.
using AsyncHandler = std::function<void(Token)>;

// As consume(), for work that waits for something: a network, other threads, other events. At most
// --window tokens (256 by default) are out at a time; with --partition-by at most one of each key.
// In a stop it returns when all are settled; those that are not at the deadline are left for the
// next start.
[[gnu::visibility("default")]] int consume_async(int argc, char** argv,
                                                 const AsyncHandler& handler);

}  // namespace drainpipe
