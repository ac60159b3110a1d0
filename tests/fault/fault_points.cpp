#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fault_plan.hpp"
#include "forked.hpp"
#include "gauge.hpp"
#include "ring_reader.hpp"
#include "ring_writer.hpp"
#include "scratch_segment.hpp"
#include "source_points.hpp"

using namespace drainpipe;
using namespace drainpipe::test;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::chrono::milliseconds kAtOnce{100};

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

// A process that announces itself as a sleeper, and leaves when the state it waits for has come.
class Sleeper {
  public:
    Sleeper(Doorbell& bell, std::function<bool()> has_come) {
        pid_ = ::fork();
        if (pid_ == 0) {
            FaultPlan::current().die_at(0);
            while (true) {
                const std::uint32_t noted = bell.prepare();
                if (has_come()) {
                    ::_exit(0);
                }
                bell.sleep(noted);
            }
        }
    }
    ~Sleeper() {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    Sleeper(const Sleeper&) = delete;
    Sleeper& operator=(const Sleeper&) = delete;

    bool has_left_within(std::chrono::milliseconds limit) const {
        const auto deadline = Clock::now() + limit;
        siginfo_t info{};
        while (Clock::now() < deadline) {
            if (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT | WNOHANG) == 0 &&
                info.si_pid == pid_) {
                return true;
            }
        }
        return false;
    }

  private:
    pid_t pid_;
};

// Something that a process does to a segment, and may be killed at any point of.
struct Scenario {
    std::string name;
    std::function<void(Segment&)> before;  // by a process that lives
    std::function<void(Segment&)> act;
};

std::vector<Scenario> scenarios() {
    const auto with_events = [](Segment& segment) { REQUIRE(push(segment, 6)); };
    const auto with_begun_events = [](Segment& segment) {
        REQUIRE(push(segment, 6));
        RingReader reader(segment);
        reader.begin(reader.turn(0, 5, 4).last);
    };
    const auto with_stopped_drain = [with_begun_events](Segment& segment) {
        with_begun_events(segment);
        RingReader(segment).begin_drain();
    };
    return {
        {"push", with_events, [](Segment& segment) { push(segment, 3); }},
        {"ask", with_events, [](Segment& segment) { RingReader(segment).turn(0, 4, 3); }},
        {"take over", with_begun_events, [](Segment& segment) { RingReader{segment}; }},
        {"begin and commit", with_events,
         [](Segment& segment) {
             RingReader reader(segment);
             reader.begin(reader.turn(0, 4, 3).last);
             reader.turn(3, 3, 3);
         }},
        {"close the intake", with_events,
         [](Segment& segment) { RingWriter(segment).close_intake(); }},
        {"drain", with_begun_events,
         [](Segment& segment) {
             RingReader reader(segment);
             const RingReader::Drain drain = reader.begin_drain();
             reader.begin(drain.in_flight_end);
             reader.commit(drain.in_flight_end - drain.head);
             reader.map_buffered();
             reader.begin(drain.tail);
             reader.commit(drain.tail - drain.in_flight_end);
         }},
        {"wait for events", [](Segment&) {},
         [](Segment& segment) {
             bool was_asked = false;
             RingReader(segment).wait_for_events([&] { return std::exchange(was_asked, true); });
         }},
        {"begin a run", with_stopped_drain, [](Segment& segment) { segment.begin_run({}); }},
        {"count lost log lines", with_events,
         [](Segment& segment) { segment.header().log_lines_lost.add(3); }},
    };
}

// What a process that comes after must find: the lock, cursors in order, every event between head
// and tail whole and what it was.
void check_state(Segment& segment) {
    const auto begin = Clock::now();
    {
        RobustLock lock(segment.header().lock);
        const std::lock_guard guard(lock);
    }
    CHECK(Clock::now() - begin < kAtOnce);
    segment.validate();
    const Header& header = segment.header();
    for (std::uint64_t event = header.head.load(); event < header.tail.load(); ++event) {
        const Slot& slot = segment.slot(event);
        REQUIRE(std::string_view(segment.bytes_at(slot.begin), slot.length) == payload_of(event));
    }
}

// Sleepers in front of both bells wake at the next change, and all that is left comes in order.
void check_goes_on(Segment& segment) {
    Header& header = segment.header();
    const std::uint64_t tail = header.tail.load();
    const std::uint64_t head = header.head.load();
    const bool is_open = header.intake_closed.load() == 0;
    const Sleeper reader_asleep(header.events_bell, [&] { return header.tail.load() > tail; });
    CHECK(push(segment, 1) == is_open);
    CHECK(reader_asleep.has_left_within(is_open ? 10 * kAtOnce : 0 * kAtOnce) == is_open);

    const Sleeper writer_asleep(header.room_bell, [&] { return header.head.load() > head; });
    RingReader reader(segment);
    REQUIRE(reader.head() == head);
    const RingReader::Drain drain = reader.begin_drain();
    reader.map_buffered();
    for (std::uint64_t event = head; event < drain.tail; ++event) {
        REQUIRE(reader.payload(event) == payload_of(event));
        reader.begin(event + 1);
        CHECK(reader.attempt(event) >= 1);
        CHECK(reader.attempt(event) <= 3);
        reader.commit(1);
    }
    CHECK(writer_asleep.has_left_within(head < drain.tail ? 10 * kAtOnce : 0 * kAtOnce) ==
          (head < drain.tail));
}

void check_account(const std::string& name) {
    const Account account = Gauge(name).read();
    CHECK(account.accepted == account.processed + account.emptied + account.drained + account.left);
}

// How many points the scenario reaches when nobody kills it; adds them to `reached`.
std::size_t walk_through(const Scenario& scenario, std::set<PointName>& reached) {
    ScratchSegment scratch("walk", 16, 400);
    scenario.before(scratch.get());
    FaultPlan& plan = FaultPlan::current();
    plan.remember();
    const Sleeper sleeper(scratch.header().events_bell, [] { return false; });
    const Sleeper other_sleeper(scratch.header().room_bell, [] { return false; });
    scenario.act(scratch.get());
    reached.insert(plan.reached().begin(), plan.reached().end());
    const std::size_t count = plan.count();
    plan.die_at(0);
    return count;
}

}  // namespace

TEST_SUITE("fault") {
    TEST_CASE("fault: a process killed at any point leaves lock, events, account and bells whole") {
        std::set<PointName> reached;
        for (const Scenario& scenario : scenarios()) {
            CAPTURE(scenario.name);
            const std::size_t points = walk_through(scenario, reached);
            REQUIRE(points > 0);
            for (std::size_t point = 1; point <= points; ++point) {
                CAPTURE(point);
                ScratchSegment scratch("fault", 16, 400);
                scenario.before(scratch.get());
                const std::uint64_t tail = scratch.header().tail.load();
                const pid_t doomed = fork_to_die([&] {
                    FaultPlan::current().die_at(point);
                    scenario.act(scratch.get());
                });
                REQUIRE(was_killed(doomed));
                // A push is in whole, or not at all.
                const std::uint64_t pushed = scratch.header().tail.load() - tail;
                CHECK((pushed == 0 || pushed == 3));
                if (scenario.name == "begin a run") {
                    scratch.get().begin_run({});
                }
                check_state(scratch.get());
                check_account(scratch.name());
                check_goes_on(scratch.get());
                check_account(scratch.name());
            }
        }
    }

    TEST_CASE("fault: a segment half made at any point is taken over, and a made one is ready") {
        const std::string name = scratch_name("making");
        const Shape shape = Shape::of(8, 200);
        FaultPlan& plan = FaultPlan::current();
        plan.remember();
        Segment::make(name, shape);
        const std::size_t points = plan.count();
        plan.die_at(0);
        Segment::remove(name);
        for (std::size_t point = 1; point <= points; ++point) {
            CAPTURE(point);
            REQUIRE(was_killed(fork_to_die([&] {
                FaultPlan::current().die_at(point);
                Segment::make(name, shape);
            })));
            const Standing standing = inspect_segment(name);
            CHECK((standing == Standing::ready) == (point == points));
            Segment::remove(name);
            Segment segment = Segment::make(name, shape);
            segment.begin_run({});
            CHECK(push(segment, 1));
            check_state(segment);
            Segment::remove(name);
        }
    }

    TEST_CASE("fault: no store in the sources is without a point that was reached") {
        std::set<PointName> reached;
        for (const Scenario& scenario : scenarios()) {
            walk_through(scenario, reached);
        }
        FaultPlan& plan = FaultPlan::current();
        plan.remember();
        { const ScratchSegment made("made", 16, 400); }
        reached.insert(plan.reached().begin(), plan.reached().end());
        plan.die_at(0);

        const std::vector<SourceStore> stores = stores_in_sources(DRAINPIPE_SHM_SOURCES);
        CHECK(stores.size() > 20);
        for (const SourceStore& store : stores) {
            CAPTURE(store.where);
            CAPTURE(store.code);
            CHECK(store.is_covered_by(reached));
        }
    }
}
