#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "delivery.hpp"
#include "segment.hpp"

namespace drainpipe::test {

using Events = std::vector<std::uint64_t>;

// Every event that is not done, in order.
Events undone_events(const Segment& segment);

// What a consumer that comes now, of that number, still has to do of all that was accepted: where
// each event has one consumer, what anybody has to do.
Events to_do(const Segment& segment, unsigned number);

// All consumers of a segment, one of each number that there is to be, as a launcher starts them.
// One that is there no longer to be gives its place up at once.
class Crew {
  public:
    explicit Crew(Segment& segment);

    // Does all that comes, with demand for it, and says who did what. Checks each payload, and that
    // nobody has begun an event from `new_from` on before. Requires an open intake.
    std::vector<Events> work_until_idle(std::uint64_t new_from);

  private:
    struct Member {
        std::unique_ptr<Delivery> reader;
        std::uint64_t asked;
        std::uint64_t done;
    };

    // One chunk.
    static void work(Member& member, std::uint64_t new_from, Events& events);

    Segment& segment_;
    std::vector<Member> members_;
};

// What this consumer gets in the drain, to its end, all of it done.
Events drained_by(Segment& segment, unsigned number);

}  // namespace drainpipe::test
