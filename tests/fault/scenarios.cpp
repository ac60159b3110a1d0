#include "scenarios.hpp"

#include <doctest/doctest.h>

#include <string_view>
#include <utility>

#include "delivery.hpp"
#include "forked.hpp"
#include "ring_lock.hpp"
#include "ring_steps.hpp"
#include "ring_writer.hpp"
#include "scratch_segment.hpp"

namespace drainpipe::test {

std::string payload_of(std::uint64_t event) { return "event " + std::to_string(event); }

bool push(Segment& segment, std::uint64_t count) {
    RingWriter writer(segment);
    std::vector<std::string> texts;
    for (std::uint64_t number = 0; number < count; ++number) {
        texts.push_back(payload_of(segment.header().tail.load() + number));
    }
    const std::vector<std::string_view> payloads(texts.begin(), texts.end());
    return writer.push(payloads).count == count;
}

bool push_records(Segment& segment, std::uint64_t count) {
    RingWriter writer(segment);
    const std::uint64_t tail = segment.header().tail.load();
    std::string records;
    for (std::uint64_t number = 0; number < count; ++number) {
        records += payload_of(tail + number);
    }
    const std::size_t bytes = payload_of(tail).size();
    REQUIRE(records.size() == count * bytes);
    return writer.push_records(records.data(), count, bytes).count == count;
}

namespace {

void with_events(Segment& segment) { REQUIRE(push(segment, 6)); }

void with_begun_events(Segment& segment) {
    REQUIRE(push(segment, 6));
    Delivery reader(segment);
    begin(reader, reader.turn(0, 5, 4));
}

void drain_with(Delivery& reader) {
    reader.begin_drain();
    std::uint64_t done = 0;
    while (true) {
        const Delivery::Chunk chunk = reader.turn(done, 0, 2);
        if (chunk.is_empty()) {
            return;
        }
        begin(reader, chunk);
        done = chunk.size();
    }
}

// Another consumer asks, and leaves a part to be given to it.
void with_asking_neighbour(Segment& segment) {
    Delivery(segment, 1).turn(0, 4, 4);
    with_begun_events(segment);
}

// Another consumer has more than it has in hand, and all that there is.
void with_busy_neighbour(Segment& segment) {
    with_events(segment);
    Delivery(segment, 1).turn(0, 16, 1);
}

void give_back(Segment& segment) {
    Delivery reader(segment);
    reader.turn(0, 3, 1);
    reader.leave();
}

// The neighbour is to leave for good.
void with_one_consumer_too_many(Segment& segment) {
    with_events(segment);
    Delivery(segment, 1).turn(0, 4, 2);
    Delivery(segment, 0).turn(0, 1, 1);
    segment.scale(1);
}

// A neighbour is to have a part of the keys.
void with_one_consumer_more(Segment& segment) {
    Delivery reader(segment);
    with_events(segment);
    reader.turn(0, 4, 2);
    segment.scale(2);
}

// One more is to get everything from where the others are.
void with_one_consumer_to_come(Segment& segment) {
    with_asking_neighbour(segment);
    segment.scale(3);
}

// Somebody died with the lock, behind the states and before the change of the ledger.
void with_dead_holder(Segment& segment) {
    with_begun_events(segment);
    REQUIRE(was_killed(fork_to_die([&] {
        RingLock lock(segment);
        lock.lock();
        segment.states().fill(5, 6, EventState::given(0));
    })));
}

void leave_for_good(Segment& segment) { Delivery(segment, 1).leave(); }

void turn_and_commit(Segment& segment) {
    Delivery reader(segment, 0, none_is_gone, kTakeAtOnce);
    const Delivery::Chunk chunk = reader.turn(0, 4, 3);
    begin(reader, chunk);
    reader.turn(chunk.size(), 3, 3);
}

// Takes what the neighbour had, who is gone for good.
void inherit(Segment& segment) {
    Delivery reader(segment, 0, [](unsigned) { return true; });
    const Delivery::Chunk chunk = reader.turn(0, 4, 3);
    begin(reader, chunk);
    reader.turn(chunk.size(), 3, 3);
}

// The last of two drains what both had: nobody is started any more.
void drain_alone(Segment& segment) {
    Delivery reader(segment, 0, [](unsigned) { return true; });
    reader.expect_no_other();
    drain_with(reader);
}

// A neighbour has come, with a part of the keys in flight to it.
void with_one_consumer_come(Segment& segment) {
    with_one_consumer_more(segment);
    Delivery(segment, 0).turn(0, 0, 1);
    Delivery(segment, 1).turn(0, 4, 2);
}

// When a retry is due that is not to be waited for.
Delivery::Clock::time_point at_once() { return Delivery::Clock::now() - std::chrono::seconds(1); }

// Of what is begun one is done, one fails, one is dead, one is under way.
void with_failed_events(Segment& segment) {
    with_events(segment);
    Delivery reader(segment);
    begin_tries(reader, reader.turn(0, 4, 4));
    reader.failed(1, at_once());
    reader.dead(2);
    reader.turn(0, 0, 0);
}

// As batches are begun.
void begin_together(Segment& segment) {
    Delivery reader(segment);
    const Delivery::Chunk chunk = reader.turn(0, 4, 4);
    std::uint64_t done = 0;
    for (const EventRange& range : chunk.ranges) {
        done += reader.begin_first(range) - range.first;
    }
    reader.turn(done, 0, 0);
}

void fail_and_try_again(Segment& segment) {
    Delivery reader(segment);
    begin_tries(reader, reader.turn(0, 4, 1));
    reader.failed(0, at_once());
    begin_tries(reader, reader.turn(0, 0, 1));
    reader.done({0, 1});
    reader.turn(0, 0, 0);
}

// Gives one up that was to be tried again.
void try_again_and_give_up(Segment& segment) {
    Delivery reader(segment);
    const Delivery::Chunk chunk = reader.turn(0, 4, 2);
    const std::vector<std::uint64_t> events = events_of(chunk);
    begin_tries(reader, chunk);
    for (const std::uint64_t event : events) {
        reader.failed(event, at_once());
    }
    for (const std::uint64_t event : events_of(reader.turn(0, 0, 2))) {
        reader.dead(event);
    }
    reader.turn(0, 0, 0);
}

// All fails: each has one more try, and is left.
void fail_in_drain(Segment& segment) {
    Delivery reader(segment);
    reader.begin_drain();
    while (true) {
        const Delivery::Chunk chunk = reader.turn(0, 0, 6);
        if (chunk.is_empty()) {
            break;
        }
        const std::vector<std::uint64_t> events = events_of(chunk);
        begin_tries(reader, chunk);
        for (const std::uint64_t event : events) {
            reader.failed(event, at_once());
        }
    }
    reader.leave();
}

constexpr FileIdentity kFile{1, 17};

}  // namespace

std::vector<Scenario> scenarios() {
    const Settings one = settings_for(1);
    const Settings demand = settings_for(2, Dispatch::demand);
    Settings partition = settings_for(2, Dispatch::partition);
    partition.partition_by = 2;  // the number in "event 3"
    Settings partition_of_one = partition;
    partition_of_one.consumers = 1;
    Settings one_key = settings_for(1, Dispatch::partition);  // "event"
    const Settings broadcast = settings_for(2, Dispatch::broadcast);
    Settings commands = one;
    commands.work = WorkKind::exec;
    Settings commands_by_key = partition_of_one;
    commands_by_key.work = WorkKind::exec;
    const auto with_stopped_drain = [](Segment& segment) {
        with_begun_events(segment);
        Delivery(segment).begin_drain();
    };
    const auto push_three = [](Segment& segment) { push_records(segment, 3); };
    const auto drain = [](Segment& segment) {
        Delivery reader(segment);
        drain_with(reader);
    };
    return {
        {"push", one, with_events, [](Segment& segment) { push(segment, 3); }},
        {"push by key", partition, with_events, [](Segment& segment) { push(segment, 3); }},
        {"push records", one, with_events, push_three},
        {"push records by key", partition, with_events, push_three},
        {"push records with padding between them", one, with_events, push_three, 16},
        {"ask", one, with_events, [](Segment& segment) { Delivery(segment).turn(0, 4, 3); }},
        {"take over", one, with_begun_events, [](Segment& segment) { Delivery{segment}; }},
        {"take the lock over", one, with_dead_holder, turn_and_commit},
        {"begin and commit", one, with_events, turn_and_commit},
        {"close the intake", one, with_events,
         [](Segment& segment) { RingWriter(segment).close_intake(); }},
        {"drain", one, with_begun_events, drain},
        {"wait for events", one, [](Segment&) {},
         [](Segment& segment) {
             bool was_asked = false;
             Delivery(segment).wait(1, [&] { return std::exchange(was_asked, true); });
         }},
        {"begin a run", one, with_stopped_drain,
         [](Segment& segment) { segment.begin_run(settings_for(1)); }},
        {"begin a run by key", partition, with_stopped_drain,
         [partition](Segment& segment) { segment.begin_run(partition); }},
        {"begin a run from a file", one, with_events,
         [](Segment& segment) { segment.begin_run(settings_for(1), kFile); }},
        {"begin together", commands, with_events, begin_together},
        {"begin together what may have failed", commands, with_failed_events, begin_together},
        {"fail and try again", commands, with_events, fail_and_try_again},
        {"try again and give up", commands, with_failed_events, try_again_and_give_up},
        {"take over what failed", commands, with_failed_events,
         [](Segment& segment) { Delivery{segment}; }},
        {"fail in the drain", commands, with_failed_events, fail_in_drain},
        {"put back", commands, with_events,
         [](Segment& segment) {
             Delivery reader(segment);
             reader.put_back(reader.turn(0, 4, 3).ranges);
             turn_and_commit(segment);
         }},
        {"fail by key", commands_by_key, with_events, fail_and_try_again},
        {"fail in the drain by key", commands_by_key, with_failed_events, fail_in_drain},
        {"begin a run on what failed", commands, with_failed_events,
         [commands](Segment& segment) { segment.begin_run(commands); }},
        {"begin a run on what was left", commands,
         [](Segment& segment) {
             with_events(segment);
             fail_in_drain(segment);
         },
         [commands](Segment& segment) { segment.begin_run(commands); }},
        {"begin a run that prints what failed", one,
         [commands](Segment& segment) {
             segment.begin_run(commands);
             with_failed_events(segment);
         },
         [](Segment& segment) { segment.begin_run(settings_for(1)); }},
        {"count lost log lines", one, with_events,
         [](Segment& segment) { segment.header().log_lines_lost.add(3); }},
        {"show a child and take a sample", one, with_events,
         [](Segment& segment) {
             segment.header().supervision.producer.write({17, ChildState::running, 4, 1});
             segment.history().append({.at = 1, .accepted = 6, .done = 0});
         }},
        {"begin a run after a broadcast", broadcast, with_asking_neighbour,
         [](Segment& segment) { segment.begin_run(settings_for(2, Dispatch::demand)); }},
        {"give to others", demand, with_asking_neighbour, turn_and_commit},
        {"take from another", demand, with_busy_neighbour, turn_and_commit},
        {"take from another in the drain", demand, with_busy_neighbour, drain},
        {"scale", demand, with_events, [](Segment& segment) { segment.scale(3); }},
        {"give back", demand, with_events, give_back},
        {"inherit", demand, with_one_consumer_too_many, inherit},
        {"drain a share", demand, with_asking_neighbour, drain},
        {"give one key back", one_key, with_events,
         [](Segment& segment) {
             Delivery reader(segment);
             reader.turn(0, 6, 1);
             reader.leave();
         }},
        {"give by key", partition, with_events, turn_and_commit},
        {"drain by key", partition, with_begun_events, drain},
        {"hand keys over", partition_of_one, with_one_consumer_more, turn_and_commit},
        {"leave with keys", partition, with_one_consumer_too_many, leave_for_good},
        {"drain alone by key", partition_of_one, with_one_consumer_come, drain_alone},
        {"drain alone", demand, with_asking_neighbour, drain_alone},
        {"inherit keys", partition, with_one_consumer_too_many, inherit},
        {"give to all", broadcast, with_asking_neighbour, turn_and_commit},
        {"drain for all", broadcast, with_asking_neighbour, drain},
        {"join a broadcast", broadcast, with_one_consumer_to_come,
         [](Segment& segment) { Delivery(segment, 2).turn(0, 4, 3); }},
        {"leave a broadcast", broadcast, with_one_consumer_too_many, leave_for_good},
        {"wait no longer for who is gone", broadcast, with_one_consumer_too_many, inherit},
        {"begin a broadcast again", broadcast, with_asking_neighbour,
         [](Segment& segment) { segment.begin_run(settings_for(2, Dispatch::broadcast)); }},
    };
}

void announce_sleepers(Segment& segment) {
    segment.header().events_available.prepare_wait();
    segment.header().room_available.prepare_wait();
}

std::size_t walk_through(const Scenario& scenario, std::set<PointName>& reached) {
    ScratchSegment scratch("walk", 16, 400, scenario.settings, scenario.alignment);
    scenario.before(scratch.get());
    announce_sleepers(scratch.get());
    FaultPlan& plan = FaultPlan::current();
    plan.remember();
    scenario.act(scratch.get());
    reached.insert(plan.reached().begin(), plan.reached().end());
    const std::size_t count = plan.count();
    plan.die_at(0);
    return count;
}

}  // namespace drainpipe::test
