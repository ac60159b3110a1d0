#pragma once

// The stages that were ended and whose replacement is due: it is there when another process of that
// role has the segment mapped.

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "census.hpp"
#include "room.hpp"
#include "totals.hpp"

namespace soak {

class Recoveries {
  public:
    using Clock = std::chrono::steady_clock;

    Recoveries(const Room& room, const Census& census, Totals& totals)
        : room_(room), census_(census), totals_(totals) {}

    // A process of that role was sent its end. An older one of the role is no longer awaited.
    void await(const std::string& role, pid_t dead);
    void forget(const std::string& role);
    void forget_all() { waiters_.clear(); }
    // The clock stands still: who would notice the death, or who should leave, may be stopped.
    void suspend();
    // Notes who has come. Throws Fault when one is late.
    void look_after();

  private:
    struct Awaited {
        std::string role;
        pid_t dead;
        Clock::time_point since;     // the death
        Clock::time_point asked_at;  // the signal
        bool is_dead;
    };
    // True when it need not be awaited any longer.
    bool look_at(Awaited& awaited, const std::vector<Member>& members);

    const Room& room_;
    const Census& census_;
    Totals& totals_;
    std::vector<Awaited> waiters_;
};

}  // namespace soak
