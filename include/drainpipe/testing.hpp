#pragma once

// Handlers and producers tested without a process, in milliseconds: a pipeline in this process's
// own memory, whose consumer is the loop that consume() runs, over the same ring. What it plays (a
// crash, a stop, a failure) takes the course that it takes in earnest.
//
//     drainpipe::testing::Pipeline pipeline(handler);
//     pipeline.intake().push("17");
//     pipeline.kill_after(1);  // the consumer, when the handler has returned for event 1
//     pipeline.run();
//     assert(pipeline.is_committed(1) && pipeline.calls().back().attempt == 2);

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drainpipe/consumer.hpp"
#include "drainpipe/producer.hpp"
#include "drainpipe/status.hpp"

namespace drainpipe::testing {

// As the launcher's options of these names, 1 at least but for retries and partition_by.
struct Options {
    std::uint32_t retries = 3;
    std::uint32_t window = 256;
    std::uint64_t max_demand = 1000;
    std::uint64_t capacity = 1024;
    std::uint64_t buffer_bytes = std::uint64_t{1} << 20;
    std::uint32_t partition_by = 0;         // the key's field, from 1; 0: no keys
    std::int32_t partition_delimiter = -1;  // between fields; -1: white space
    std::size_t most_in_batch = 256;        // `most` of consume_batches()
};

// A call of the handler with an event, alone or in a batch, and what came of it: nothing where the
// consumer was killed, or as long as a token is out.
struct Call {
    std::uint64_t id;
    std::uint32_t attempt;
    std::string payload;
    std::optional<Outcome> outcome;
};

struct DeadLetter {
    std::uint64_t id;
    std::uint32_t attempts;
    std::string reason;
    std::string payload;
};

// A pipeline with one consumer. Failed events are tried again without a pause. Nothing of it is
// seen by another process, and nothing stays. To be used in one thread; tokens may be settled in
// others.
class [[gnu::visibility("default")]] Pipeline {
  public:
    // A lambda is taken for what its parameter is (const Event&, const Batch&, Token), which is to
    // be named: it can't be `auto`. Throws std::invalid_argument for options that can't be.
    explicit Pipeline(Handler handler, const Options& options = {});
    explicit Pipeline(BatchHandler handler, const Options& options = {});
    explicit Pipeline(AsyncHandler handler, const Options& options = {});
    Pipeline(const Pipeline&) = delete;
    Pipeline& operator=(const Pipeline&) = delete;
    ~Pipeline();

    // Where the test puts events in, or has a producer's function do it. A push that finds the ring
    // full has the consumer work as run() does, in this thread; it throws std::logic_error where
    // that makes no room.
    Intake& intake();

    // The consumer works until every accepted event is committed. With tokens it waits for those
    // that are out.
    void run();

    // A stop: closes the intake for good and drains. What has failed has one more try, and is left
    // then.
    void stop();

    // When the handler is called with this event for the next time, alone or in a batch, the
    // consumer is killed, as by SIGKILL: before the call, or after it and before its outcome
    // counts. Another consumer takes its place at once. Called several times, it happens as often.
    void kill_before(std::uint64_t id);
    void kill_after(std::uint64_t id);
    // The stop comes while the handler has this event: run() drains then, and intake() is closed.
    void stop_at(std::uint64_t id);

    // In the order of the calls.
    const std::vector<Call>& calls() const;
    const std::vector<DeadLetter>& dead_letters() const;
    // The lines of done(line), each with its newline.
    std::string_view output() const;
    // Whether its work is done, or it is dead: it is delivered to nobody any more.
    bool is_committed(std::uint64_t id) const;
    Status status() const;

  private:
    class Body;
    std::unique_ptr<Body> body_;
};

}  // namespace drainpipe::testing
