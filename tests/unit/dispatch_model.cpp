#include <doctest/doctest.h>

#include <deque>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "gauge.hpp"
#include "ring_steps.hpp"
#include "scratch_segment.hpp"

using namespace drainpipe;
using namespace drainpipe::test;

namespace {

constexpr unsigned kMost = 5;

// Consumers that come, work, leave, die and become more or fewer at random, beside a record of
// what each has done. Payloads are "KEY NUMBER".
class Crowd {
  public:
    Crowd(Segment& segment, std::uint64_t seed)
        : segment_(segment), random_(seed), readers_(kMost), chunks_(kMost), done_by_(kMost) {
        writer_.emplace(segment);
    }

    void step() {
        const std::uint64_t lot = between(0, 99);
        const auto number = static_cast<unsigned>(between(0, kMost - 1));
        if (lot < 30) {
            push_some();
        } else if (lot < 90) {
            work(number);
        } else if (lot < 94) {
            readers_[number].reset();  // as if it had died
        } else if (lot < 97) {
            leave(number);
        } else if (!is_broadcast()) {
            segment_.scale(static_cast<std::uint32_t>(between(1, kMost)));
        }
        check();
    }

    // Drains with those that are to be there and holds what was done against what was pushed.
    void finish() {
        for (unsigned number = consumers(); number < kMost; ++number) {
            leave(number);
        }
        for (unsigned number = 0; number < consumers(); ++number) {
            drain(number);
        }
        REQUIRE(segment_.left() == 0);
        std::set<std::uint64_t> done;
        for (unsigned number = 0; number < kMost; ++number) {
            for (const std::uint64_t event : done_by_[number]) {
                REQUIRE((done.insert(event).second || is_broadcast()));
            }
            REQUIRE(
                (!is_broadcast() || number >= consumers() || done_by_[number].size() == pushed_));
        }
        REQUIRE(done.size() == pushed_);
        const Account account = account_of(segment_.header(), segment_.states());
        REQUIRE(account.accepted == pushed_);
        REQUIRE(account.left == 0);
    }

  private:
    std::uint64_t between(std::uint64_t least, std::uint64_t most) {
        return std::uniform_int_distribution<std::uint64_t>(least, most)(random_);
    }
    std::uint32_t consumers() const { return segment_.header().consumers.load(); }
    Dispatch dispatch() const { return segment_.header().settings.dispatch; }
    bool is_broadcast() const { return dispatch() == Dispatch::broadcast; }

    void push_some() {
        const std::uint64_t count = between(1, 8);
        for (std::uint64_t event = 0; event < count; ++event) {
            const std::string payload =
                std::to_string(between(0, 9)) + " " + std::to_string(pushed_);
            pushed_ += push(*writer_, payload).count;
        }
    }

    Delivery& reader(unsigned number) {
        if (!readers_[number]) {
            readers_[number].emplace(
                segment_, number, [this](unsigned other) { return !readers_[other]; }, kTakeAtOnce);
            chunks_[number].clear();
            const std::uint64_t taken_over = readers_[number]->taken_over();
            pending_[number] = taken_over;
        }
        return *readers_[number];
    }

    // Commits some of the chunk at hand; takes the next one when there is none.
    void work(unsigned number) {
        Delivery& worker = reader(number);
        if (number >= consumers()) {
            leave(number);
            return;
        }
        if (!chunks_[number].empty()) {
            commit(number, between(1, chunks_[number].size()));
            return;
        }
        const std::uint64_t asked =
            pending_[number] < kMaxDemand ? kMaxDemand - pending_[number] : 0;
        pending_[number] += asked;
        take(number, worker.turn(0, asked, between(1, 6)));
    }

    void take(unsigned number, const Delivery::Chunk& chunk) {
        begin(*readers_[number], chunk);
        for (const std::uint64_t event : events_of(chunk)) {
            chunks_[number].push_back(event);
            REQUIRE(readers_[number]->payload(event).ends_with(" " + std::to_string(event)));
        }
        REQUIRE(chunks_[number].size() <= kMaxDemand);
    }

    void commit(unsigned number, std::uint64_t count) {
        readers_[number]->commit(count);
        note(number, count);
    }

    void note(unsigned number, std::uint64_t count) {
        pending_[number] -= std::min(pending_[number], count);
        for (; count > 0; --count) {
            const std::uint64_t event = chunks_[number].front();
            chunks_[number].pop_front();
            done_by_[number].push_back(event);
            if (dispatch() == Dispatch::partition) {
                const auto key = payload_key_[event];
                REQUIRE((!last_of_key_.contains(key) || last_of_key_[key] < event));
                last_of_key_[key] = event;
            }
        }
    }

    void leave(unsigned number) {
        if (readers_[number] && (number >= consumers() || !is_broadcast())) {
            if (!chunks_[number].empty()) {
                commit(number, chunks_[number].size());
            }
            readers_[number]->leave();
            readers_[number].reset();
        }
    }

    void drain(unsigned number) {
        Delivery& worker = reader(number);
        if (!chunks_[number].empty()) {
            commit(number, chunks_[number].size());
        }
        worker.begin_drain();
        std::uint64_t done = 0;
        while (true) {
            const Delivery::Chunk chunk = worker.turn(done, 0, 7);
            take(number, chunk);
            done = chunk.size();
            if (done == 0) {
                return;
            }
            note(number, done);
        }
    }

    void check() {
        const std::uint64_t tail = segment_.header().tail.load();
        for (std::uint64_t event = segment_.header().head.load(); event < tail; ++event) {
            payload_key_[event] = segment_.payload(event)[0];
        }
        segment_.validate();
        const Account account = account_of(segment_.header(), segment_.states());
        REQUIRE(account.accepted == pushed_);
        REQUIRE(account.left == segment_.left());
    }

    static constexpr std::uint64_t kMaxDemand = 10;

    Segment& segment_;
    std::mt19937_64 random_;
    std::optional<RingWriter> writer_;
    std::vector<std::optional<Delivery>> readers_;
    std::vector<std::deque<std::uint64_t>> chunks_;
    std::vector<std::vector<std::uint64_t>> done_by_;
    std::map<unsigned, std::uint64_t> pending_;
    std::map<std::uint64_t, char> payload_key_;
    std::map<char, std::uint64_t> last_of_key_;
    std::uint64_t pushed_ = 0;
};

void walk(Dispatch dispatch) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        CAPTURE(seed);
        ScratchSegment scratch("crowd" + std::to_string(seed), 40, 400, settings_for(3, dispatch));
        Crowd crowd(scratch.get(), seed);
        for (int step = 0; step < 1500; ++step) {
            crowd.step();
        }
        crowd.finish();
    }
}

}  // namespace

TEST_SUITE("dispatch_model") {
    TEST_CASE("dispatch: consumers at random do every event once") { walk(Dispatch::demand); }

    TEST_CASE("dispatch: consumers at random do the events of a key in order") {
        walk(Dispatch::partition);
    }

    TEST_CASE("dispatch: consumers at random do every event each") { walk(Dispatch::broadcast); }
}
