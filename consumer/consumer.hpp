#pragma once

#include <chrono>
#include <cstdint>

#include "demand_window.hpp"
#include "hand_size.hpp"
#include "ring_reader.hpp"
#include "stage.hpp"
#include "work_sink.hpp"

namespace drainpipe {

// Asks for events, does the work on each in order, commits. When it should leave it finishes its
// chunk and gives the rest back; when the pipeline drains it empties what is in flight to it, maps
// its share of what is still buffered, and works until nothing is left to be had.
class Consumer {
  public:
    // `number` from 0. `output` is the descriptor that the payloads go to, not owned.
    Consumer(Stage& stage, unsigned number, int output);

    // Returns when it has left or drained.
    void run();

  private:
    // Works until it should leave, or the pipeline drains.
    void work_until_stopped();
    void drain();

    // Does the work on the chunk, and returns how many of its events, the last ones, are done but
    // not committed. Stops early where `stoppable` and the pipeline drains, or where the deadline
    // is too near to begin another one.
    std::uint64_t work_on(const RingReader::Chunk& chunk, bool stoppable);
    // The same, and learns how long it takes.
    std::uint64_t work_on_hand(const RingReader::Chunk& chunk, bool stoppable);
    void work_on_one(std::uint64_t event, CompletionKind kind);

    void flush();
    bool should_leave() const;
    bool is_draining() const;
    bool is_slow() const { return event_delay_.count() > 0; }

    Stage& stage_;
    unsigned number_;
    RingReader reader_;
    Output output_;
    DemandWindow window_;
    HandSize hand_;
    WorkSink sink_;
    std::chrono::microseconds event_delay_;
    bool is_cut_off_ = false;  // the deadline is too near
};

}  // namespace drainpipe
