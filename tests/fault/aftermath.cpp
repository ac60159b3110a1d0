#include "aftermath.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <mutex>

#include "crew.hpp"
#include "gauge.hpp"
#include "ring_lock.hpp"
#include "scenarios.hpp"
#include "sleeper.hpp"

namespace drainpipe::test {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kAtOnce{100};

bool is_broadcast(const Segment& segment) {
    return segment.header().settings.dispatch == Dispatch::broadcast;
}

// Holds what each consumer did against what it had to do.
void check_done(const Segment& segment, const std::vector<Events>& done,
                const std::vector<Events>& expected) {
    // Keys of their own have no order among them, nor has what several share: one takes from
    // another. A retry that is due comes before what was not begun.
    const Header& header = segment.header();
    const bool has_keys = header.settings.partition_by == 2;
    const bool may_fail = header.settings.may_fail();
    const bool is_shared =
        header.settings.dispatch == Dispatch::demand && header.settings.consumers > 1;
    Events all_done;
    for (std::size_t number = 0; number < done.size(); ++number) {
        CAPTURE(number);
        CHECK((has_keys || is_shared || may_fail || std::ranges::is_sorted(done[number])));
        if (is_broadcast(segment)) {
            CHECK(done[number] == expected[number]);
        }
        all_done.insert(all_done.end(), done[number].begin(), done[number].end());
    }
    std::ranges::sort(all_done);
    if (!is_broadcast(segment)) {
        CHECK(all_done == expected.front());
    }
    CHECK(segment.left() == 0);
}

// Fills the ring; returns how many events that took.
std::uint64_t fill(Segment& segment, std::vector<Events>& expected) {
    const Header& header = segment.header();
    const std::uint64_t tail = header.tail.load();
    const std::uint64_t room = header.geometry.capacity - (tail - header.head.load());
    REQUIRE(push(segment, room));
    for (Events& events : expected) {
        for (std::uint64_t event = tail; event < tail + room; ++event) {
            events.push_back(event);
        }
    }
    return room;
}

}  // namespace

void check_state(Segment& segment) {
    const auto begin = Clock::now();
    {
        RingLock lock(segment);
        const std::lock_guard guard(lock);
    }
    CHECK(Clock::now() - begin < kAtOnce);
    segment.validate();
    const Header& header = segment.header();
    for (std::uint64_t event = header.head.load(); event < header.tail.load(); ++event) {
        REQUIRE(segment.payload(event) == payload_of(event));
    }
}

void check_account(const std::string& name) {
    const Account account = Gauge(name).read();
    CHECK(account.accepted ==
          account.processed + account.emptied + account.drained + account.dead + account.left);
}

void check_drains(Segment& segment) {
    Header& header = segment.header();
    const std::uint64_t tail = header.tail.load();
    const bool is_open = header.intake_closed.load() == 0;
    const Sleeper reader_asleep(header.events_available, [&] { return header.tail.load() > tail; });
    CHECK(push(segment, 1) == is_open);
    CHECK(reader_asleep.has_left_within(is_open ? 10 * kAtOnce : 0 * kAtOnce) == is_open);

    const std::uint64_t head = header.head.load();
    const Sleeper writer_asleep(header.room_available, [&] { return header.head.load() > head; });
    const bool has_undone = !undone_events(segment).empty();
    const unsigned consumers = std::max(header.settings.consumers, header.consumers.load());
    std::vector<Events> expected;
    std::vector<Events> done;
    for (unsigned number = 0; number < consumers; ++number) {
        expected.push_back(to_do(segment, number));
        done.push_back(drained_by(segment, number));
    }
    check_done(segment, done, expected);
    CHECK(writer_asleep.has_left_within(has_undone ? 10 * kAtOnce : 0 * kAtOnce) == has_undone);
}

void check_goes_on(Segment& segment, const std::string& name) {
    const Account before = Gauge(name).read();
    const std::uint64_t new_from = segment.header().tail.load();
    const unsigned consumers = segment.header().consumers.load();
    std::vector<Events> expected;
    for (unsigned number = 0; number < consumers; ++number) {
        expected.push_back(to_do(segment, number));
    }
    Crew crew(segment);
    std::uint64_t pushed = 0;
    for (int round = 0; round < 3; ++round) {
        CAPTURE(round);
        pushed += fill(segment, expected);
        check_done(segment, crew.work_until_idle(new_from), expected);
        expected.assign(consumers, {});
    }
    const Account after = Gauge(name).read();
    CHECK(after.accepted == before.accepted + pushed);
    CHECK(after.processed == before.processed + before.left + pushed);
    CHECK(after.emptied + after.drained == before.emptied + before.drained);
    CHECK(after.left == 0);
}

}  // namespace drainpipe::test
