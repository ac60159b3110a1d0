#pragma once

#include <chrono>
#include <cstdint>

#include "demand_window.hpp"
#include "ring_reader.hpp"
#include "stage.hpp"
#include "work_sink.hpp"

namespace drainpipe {

// Asks for events, does the work on each in order, commits. When it should leave it finishes its
// chunk; when the pipeline drains it empties what is in flight, maps what is still buffered, and
// works until nothing is left.
class Consumer {
  public:
    // `output` is the descriptor that the payloads go to, not owned.
    Consumer(Stage& stage, int output);

    // Returns when it has left or drained.
    void run();

  private:
    // Works until it should leave, or the pipeline drains.
    void work_until_stopped();
    void drain();

    // Does the work on the events [first, last), and returns how many of them, the last ones, are
    // done but not committed. Stops early where `stoppable` and the pipeline drains.
    std::uint64_t work_on(std::uint64_t first, std::uint64_t last, Stretch stretch, bool stoppable);
    // Does the work on all of them and commits it, in pieces of at most max demand.
    void work_on_all(std::uint64_t first, std::uint64_t last, Stretch stretch);

    void mend_output() const;
    bool is_draining() const;
    bool is_slow() const { return event_delay_.count() > 0; }

    Stage& stage_;
    RingReader reader_;
    Output output_;
    DemandWindow window_;
    WorkSink sink_;
    std::chrono::microseconds event_delay_;
};

}  // namespace drainpipe
