#pragma once

#include <cstdint>
#include <string>
#include <unordered_set>
#include <vector>

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
    // Tells all that was collected, and waits for the answer. `created` is the consumer's: what
    // another one of the name has delivered nobody waits for.
    Result tell(natsConnection* connection, const std::string& created);

    // The engine may have delivered these to others: they are not to be begun, and it is not told
    // that they were given back. Requires that there is no lease.
    void withdraw(const std::vector<std::uint64_t>& ids);
    bool is_withdrawn(std::uint64_t id) const { return withdrawn_.contains(id); }

  private:
    SourceIntake& intake_;
    std::vector<HeldEvent> fates_;
    std::unordered_set<std::uint64_t> withdrawn_;
};

// Whether that consumer, and not an earlier one of its name, has delivered the event.
bool is_of(const HeldEvent& event, const std::string& created);

}  // namespace drainpipe::nats
