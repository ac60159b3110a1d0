#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <unordered_set>
#include <vector>

#include "acknowledger.hpp"
#include "drainpipe/source.hpp"
#include "handles.hpp"

namespace drainpipe::nats {

// Tells the consumer of JetStream what became of its messages, and the ring that it was told.
// Lives as long as its source: what could not be told on one connection is told on the next.
class Settler {
  public:
    explicit Settler(SourceIntake& intake) : intake_(intake) {}

    // Waits for fates until that time, as SourceIntake::wait_for_fates() does, and keeps them.
    void collect(SourceIntake::Clock::time_point until);

    enum class Result : std::uint8_t {
        nothing,  // there was nothing to tell
        settled,  // all was told, and there may be room
        failed,   // the consumer is gone or the connection broken; all is kept
    };
    // Tells all that was collected, and waits for the answer. `generation` is the consumer's: what
    // another one of the name has delivered nobody waits for.
    Result tell(natsConnection* connection, const std::string& generation);

    // Says once more, on a new connection, what was said in the last seconds before it: a server
    // that was killed since may have held it in memory alone, and would deliver the messages again
    // or leave them in the stream. `last_sequence` is the stream's: one that has lost messages
    // gives their numbers to others, and nothing is said again then. Waits for nothing.
    void tell_again(natsConnection* connection, std::uint64_t last_sequence);
    // Nothing of it is said again: the consumer is another one.
    void forget_told() { told_.clear(); }

    // The engine may have delivered these to others: they are not to be begun, and it is not told
    // that they were given back. Requires that there is no lease.
    void withdraw(const std::vector<std::uint64_t>& ids);
    bool is_withdrawn(std::uint64_t id) const { return withdrawn_.contains(id); }

  private:
    // What may be said twice.
    struct Told {
        SourceIntake::Clock::time_point at;
        std::vector<Acknowledgement> acknowledgements;
    };

    void remember(std::vector<Acknowledgement> acknowledgements);
    void forget_told_before(SourceIntake::Clock::time_point time);

    SourceIntake& intake_;
    std::vector<HeldEvent> fates_;
    std::deque<Told> told_;  // of late, the oldest first
    std::unordered_set<std::uint64_t> withdrawn_;
};

// Whether that consumer, and not an earlier one of its name, has delivered the event.
bool is_of(const HeldEvent& event, const std::string& generation);

}  // namespace drainpipe::nats
