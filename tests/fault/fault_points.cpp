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
#include "ring_lock.hpp"
#include "ring_reader.hpp"
#include "ring_steps.hpp"
#include "ring_writer.hpp"
#include "scenarios.hpp"
#include "scratch_segment.hpp"
#include "source_points.hpp"

using namespace drainpipe;
using namespace drainpipe::test;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::chrono::milliseconds kAtOnce{100};

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

// What a process that comes after must find: the lock, cursors in order, every event between head
// and tail whole and what it was.
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

// Every event that is not done, in order.
std::vector<std::uint64_t> undone_events(const Segment& segment) {
    std::vector<std::uint64_t> events;
    const std::uint64_t tail = segment.header().tail.load();
    for (std::uint64_t event = read_ledger(segment.header()).head; event < tail; ++event) {
        if (!segment.marks().at(event).is_done()) {
            events.push_back(event);
        }
    }
    return events;
}

// What this consumer gets in the drain, to its end, all of it done.
std::vector<std::uint64_t> drained_by(Segment& segment, unsigned number) {
    RingReader reader(segment, number);
    reader.begin_drain();
    std::vector<std::uint64_t> events;
    std::uint64_t done = 0;
    while (true) {
        const RingReader::Chunk chunk = reader.turn(done, 0, 2);
        if (chunk.is_empty()) {
            return events;
        }
        begin(reader, chunk);
        for (const std::uint64_t event : events_of(chunk)) {
            REQUIRE(reader.payload(event) == payload_of(event));
            CHECK(reader.attempt(event) >= 1);
            CHECK(reader.attempt(event) <= 3);
            events.push_back(event);
        }
        done = chunk.size();
    }
}

// Sleepers in front of both bells wake at the next change, and all that is left comes: to one
// consumer, or to each where each gets everything.
void check_goes_on(Segment& segment) {
    Header& header = segment.header();
    const std::uint64_t tail = header.tail.load();
    const bool is_open = header.intake_closed.load() == 0;
    const Sleeper reader_asleep(header.events_bell, [&] { return header.tail.load() > tail; });
    CHECK(push(segment, 1) == is_open);
    CHECK(reader_asleep.has_left_within(is_open ? 10 * kAtOnce : 0 * kAtOnce) == is_open);

    const std::uint64_t head = header.head.load();
    const Sleeper writer_asleep(header.room_bell, [&] { return header.head.load() > head; });
    const std::vector<std::uint64_t> undone = undone_events(segment);
    std::vector<std::uint64_t> done;
    // Keys of their own have no order among them.
    const bool has_keys = header.settings.partition_by == 2;
    const unsigned consumers = std::max(header.settings.consumers, header.consumers.load());
    for (unsigned number = 0; number < consumers; ++number) {
        const std::vector<std::uint64_t> drained = drained_by(segment, number);
        CHECK((has_keys || std::ranges::is_sorted(drained)));
        done.insert(done.end(), drained.begin(), drained.end());
    }
    std::ranges::sort(done);
    if (header.settings.dispatch == Dispatch::broadcast) {
        done.erase(std::unique(done.begin(), done.end()), done.end());
    }
    CHECK(done == undone);
    CHECK(segment.left() == 0);
    CHECK(writer_asleep.has_left_within(undone.empty() ? 0 * kAtOnce : 10 * kAtOnce) ==
          !undone.empty());
}

void check_account(const std::string& name) {
    const Account account = Gauge(name).read();
    CHECK(account.accepted == account.processed + account.emptied + account.drained + account.left);
}

// How many points the scenario reaches when nobody kills it; adds them to `reached`.
std::size_t walk_through(const Scenario& scenario, std::set<PointName>& reached) {
    ScratchSegment scratch("walk", 16, 400, scenario.settings);
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
                ScratchSegment scratch("fault", 16, 400, scenario.settings);
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
                if (scenario.name.starts_with("begin a ")) {
                    scratch.get().begin_run(scratch.header().settings);
                }
                check_state(scratch.get());
                check_account(scratch.name());
                check_goes_on(scratch.get());
                check_account(scratch.name());
            }
        }
    }

    TEST_CASE("fault: a process killed at any point of a commit in a full ring leaves its room") {
        constexpr std::uint64_t kAll = 6;
        const auto commit_all = [](Segment& segment) {
            RingReader reader(segment);
            const RingReader::Chunk chunk = reader.turn(0, kAll, kAll);
            begin(reader, chunk);
            reader.commit(chunk.size());
        };
        FaultPlan& plan = FaultPlan::current();
        ScratchSegment whole("whole", kAll, 400);
        REQUIRE(push(whole.get(), kAll));
        plan.remember();
        commit_all(whole.get());
        const std::size_t points = plan.count();
        plan.die_at(0);
        for (std::size_t point = 1; point <= points; ++point) {
            CAPTURE(point);
            ScratchSegment scratch("full", kAll, 400);
            REQUIRE(push(scratch.get(), kAll));
            REQUIRE(was_killed(fork_to_die([&] {
                FaultPlan::current().die_at(point);
                commit_all(scratch.get());
            })));
            commit_all(scratch.get());
            CHECK(scratch.get().left() == 0);
            CHECK(push(scratch.get(), kAll));
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
            segment.begin_run(settings_for(1));
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
