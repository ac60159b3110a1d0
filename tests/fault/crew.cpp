#include "crew.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "ring_steps.hpp"
#include "scenarios.hpp"

namespace drainpipe::test {
namespace {

constexpr std::uint64_t kMaxDemand = 5;

// Where each consumer gets everything: the first event that this one has to do.
std::uint64_t comes_in_at(const Segment& segment, unsigned number) {
    const Header& header = segment.header();
    const Ledger& ledger = published_ledger(header);
    const ConsumerState& consumer_state = ledger.consumer_states[number];
    if (number < ledger.consumers_used && consumer_state.is_taken != 0) {
        return consumer_state.committed;
    }
    return number < header.consumers.load() ? ledger.given_end.get() : header.tail.load();
}

// Begins the chunk, and checks what is in it.
void begin_and_check(Delivery& reader, const Delivery::Chunk& chunk, std::uint64_t new_from,
                     Events& events) {
    begin_tries(reader, chunk);
    for (const std::uint64_t event : events_of(chunk)) {
        CAPTURE(event);
        REQUIRE(reader.payload(event) == payload_of(event));
        CHECK(reader.attempt(event) >= 1);
        CHECK(reader.attempt(event) <= (event < new_from ? 4 : 1));
        events.push_back(event);
    }
}

}  // namespace

Events undone_events(const Segment& segment) {
    Events events;
    const std::uint64_t tail = segment.header().tail.load();
    for (std::uint64_t event = read_ledger(segment.header()).head; event < tail; ++event) {
        if (!segment.states().at(event).is_done()) {
            events.push_back(event);
        }
    }
    return events;
}

Events to_do(const Segment& segment, unsigned number) {
    Events events = undone_events(segment);
    if (segment.header().settings.dispatch == Dispatch::broadcast) {
        const std::uint64_t first = comes_in_at(segment, number);
        std::erase_if(events, [&](std::uint64_t event) { return event < first; });
    }
    return events;
}

Crew::Crew(Segment& segment) : segment_(segment) {
    const Header& header = segment.header();
    const unsigned consumers = header.consumers.load();
    for (unsigned number = consumers; number < header.settings.consumers; ++number) {
        Delivery(segment, number).leave();
    }
    for (unsigned number = 0; number < consumers; ++number) {
        members_.push_back({std::make_unique<Delivery>(segment, number, none_is_gone, kTakeAtOnce),
                            kMaxDemand, 0});
    }
}

std::vector<Events> Crew::work_until_idle(std::uint64_t new_from) {
    std::vector<Events> events(members_.size());
    const Word<std::uint64_t>& changes = segment_.header().ledger_changes;
    std::uint64_t changes_before = 0;
    do {
        changes_before = changes.load();
        for (std::size_t number = 0; number < members_.size(); ++number) {
            work(members_[number], new_from, events[number]);
        }
    } while (changes.load() != changes_before);
    return events;
}

void Crew::work(Member& member, std::uint64_t new_from, Events& events) {
    const Delivery::Chunk chunk = member.reader->turn(member.done, member.asked, 3);
    begin_and_check(*member.reader, chunk, new_from, events);
    member.done = member.asked = chunk.size();
}

Events drained_by(Segment& segment, unsigned number) {
    Delivery reader(segment, number);
    reader.begin_drain();
    Events events;
    std::uint64_t done = 0;
    while (true) {
        const Delivery::Chunk chunk = reader.turn(done, 0, 2);
        if (chunk.is_empty()) {
            return events;
        }
        begin_and_check(reader, chunk, segment.header().tail.load(), events);
        done = chunk.size();
    }
}

}  // namespace drainpipe::test
