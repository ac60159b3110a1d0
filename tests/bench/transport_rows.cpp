#include "transport_rows.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>
#include <vector>

#include "cursor_transport.hpp"
#include "queue_transport.hpp"
#include "ring_transport.hpp"
#include "spsc_transport.hpp"
#include "stream_transport.hpp"
#include "two_processes.hpp"
#ifdef DRAINPIPE_BENCH_ZMQ
#include "zmq_transport.hpp"
#endif

namespace drainpipe::bench {
namespace {

// Events that may be under way, of ours and of every peer that asks: what a segment has room for by
// default.
constexpr std::size_t slots_for(std::size_t bytes) {
    return std::min<std::size_t>(262'144, (16 << 20) / bytes);
}

constexpr std::chrono::microseconds kQuiet{200};  // longer than anybody looks before it sleeps

Load load_of(std::size_t bytes, std::size_t batch) { return {bytes, batch, slots_for(bytes)}; }

using Maker = std::function<std::unique_ptr<Transport>(const Load&)>;

struct Contender {
    std::string name;
    Load load;
    Maker make;
};

// What a contender did in all its runs.
struct Result {
    Figure rate;  // million events a second
    Figure sender;
    Figure receiver;
    Figure trip;  // the median of a run's round trips
    Figure slow_trip;
};

Maker ring(Waiting waiting) {
    return [=](const Load& load) { return std::make_unique<RingTransport>(load, waiting); };
}

template <std::size_t kBytes>
std::unique_ptr<Transport> spsc(const Load& load) {
    return std::make_unique<SpscTransport<kBytes, slots_for(kBytes)>>(load.batch);
}

Maker stream(StreamTransport::Kind kind) {
    return [=](const Load& load) { return std::make_unique<StreamTransport>(kind, load); };
}

template <typename Peer>
std::unique_ptr<Transport> simple(const Load& load) {
    return std::make_unique<Peer>(load);
}

std::vector<Result> run_passages(const std::vector<Contender>& contenders, const Effort& effort) {
    std::vector<Result> results(contenders.size());
    for (int run = 0; run < effort.runs; ++run) {
        for (std::size_t index = 0; index < contenders.size(); ++index) {
            const Contender& contender = contenders[index];
            const auto transport = contender.make(contender.load);
            const Passage passage = measure_passage(*transport, contender.load, effort.seconds);
            results[index].rate.add(passage.events_per_second / 1e6);
            results[index].sender.add(passage.sender_ns_per_event);
            results[index].receiver.add(passage.receiver_ns_per_event);
        }
    }
    return results;
}

std::vector<Result> run_trips(const std::vector<Contender>& contenders, int runs, std::size_t trips,
                              std::chrono::microseconds quiet = {}) {
    std::vector<Result> results(contenders.size());
    for (int run = 0; run < runs; ++run) {
        for (std::size_t index = 0; index < contenders.size(); ++index) {
            const Contender& contender = contenders[index];
            const auto there = contender.make(contender.load);
            const auto back = contender.make(contender.load);
            Figure times;
            for (const double time :
                 measure_round_trips(*there, *back, contender.load, trips, quiet)) {
                times.add(time);
            }
            results[index].trip.add(times.median() / 1e3);
            results[index].slow_trip.add(times.at(0.99) / 1e3);
        }
    }
    return results;
}

// One row: ours first, then each peer against it.
struct Race {
    std::string what;
    std::vector<Contender> contenders;
    std::vector<Target> targets;  // of each peer
};

std::vector<Race> races() {
    const Load small = load_of(64, 1000);
    const Load large = load_of(1024, 1000);
    const Load tiny = load_of(8, 1000);
    const Load single = load_of(64, 1);
    const Maker fast = ring(Waiting::spinning);
    return {
        {"64 B events, batches of 1000",
         {{"ring", small, fast}, {"spsc_queue bulk 1000", small, spsc<64>}},
         {{false, 0.7, 1.0}}},
        {"1 KiB events, batches of 1000, in place",
         {{"ring", large, fast},
          {"spsc_queue bulk 1000", large, spsc<1024>},
          {"bare cursor, in place", large, simple<CursorTransport>}},
         {{false, 1.3, 2.0}, {false, 0.9, 1.0}}},
        {"8 B events, batches of 1000",
         {{"ring", tiny, fast}, {"pipe, 4 KiB writes", tiny, stream(StreamTransport::Kind::pipe)}},
         {{false, 1.0, 2.0}}},
        {"64 B, one event per push",
         {{"ring", single, ring(Waiting::gathering)},
          {"boost message_queue", single, simple<BoostQueueTransport>}},
         {{false, 3.0, 5.0}}},
    };
}

void print_targets(Table& table, const Effort& effort) {
    for (const Race& race : races()) {
        const std::vector<Result> results = run_passages(race.contenders, effort);
        for (std::size_t peer = 1; peer < race.contenders.size(); ++peer) {
            table.compare(race.what, "M/s", results[0].rate, race.contenders[peer].name,
                          results[peer].rate, race.targets[peer - 1]);
        }
        table.state("  processor: sender", "ns/event", results[0].sender);
        table.state("  processor: receiver", "ns/event", results[0].receiver);
    }
}

void print_trip_targets(Table& table, const Effort& effort) {
    const Load single = load_of(64, 1);
    const auto spinning =
        run_trips({{"ring", single, ring(Waiting::spinning)}, {"spsc_queue", single, spsc<64>}},
                  effort.runs, effort.round_trips);
    table.compare("round trip p50, spinning", "us", spinning[0].trip, "spsc_queue spinning",
                  spinning[1].trip, {true, 1.5, 1.1});
    const std::vector<Contender> sleepers{{"ring", single, ring(Waiting::sleeping)},
                                          {"pipe", single, stream(StreamTransport::Kind::pipe)}};
    const auto on_bell = run_trips(sleepers, effort.runs, effort.round_trips / 10);
    table.compare("round trip p50, on the event count", "us", on_bell[0].trip, "pipe",
                  on_bell[1].trip, {true, 1.0, 0.9});
    const auto asleep = run_trips(sleepers, effort.runs, effort.round_trips / 20, kQuiet);
    table.compare("round trip p50, asleep before it", "us", asleep[0].trip, "pipe", asleep[1].trip,
                  {true, 1.0, 0.9});
}

// "ours by it 2.04", as the other ratios are.
std::string of_the_first(const Figure& figure, const Figure& first) {
    char text[32];
    std::snprintf(text, sizeof text, "ours by it %.2f", ratio_of(first, figure).median());
    return &figure == &first ? "" : text;
}

std::vector<Contender> everybody(const Load& load, const std::string& directory) {
    std::vector<Contender> all{
        {"ring, on the event count", load, ring(Waiting::sleeping)},
        {"pipe", load, stream(StreamTransport::Kind::pipe)},
        {"unix stream", load, stream(StreamTransport::Kind::unix_socket)},
        {"POSIX mq (room for 10)", load, simple<PosixQueueTransport>},
        {"boost message_queue", load, simple<BoostQueueTransport>},
        {"spsc_queue (spins)", load, spsc<64>},
    };
#ifdef DRAINPIPE_BENCH_ZMQ
    all.push_back({"ZeroMQ ipc", load, [directory](const Load& its) {
                       return std::make_unique<ZmqTransport>(its, directory);
                   }});
#else
    static_cast<void>(directory);
#endif
    return all;
}

}  // namespace

void print_transports(Table& table, const Effort& effort, const std::string& directory) {
    table.section("Events between two processes, against the targets",
                  "ring: any size, robust lock, every event begun, checked and committed");
    print_targets(table, effort);
    print_trip_targets(table, effort);

    table.section("The same work by everybody: 64 B, one event per call", "");
    const auto singles = everybody(load_of(64, 1), directory);
    const auto passages = run_passages(singles, effort);
    const auto trips = run_trips(singles, effort.runs, effort.round_trips / 10);
    for (std::size_t index = 0; index < singles.size(); ++index) {
        table.state(singles[index].name, "M/s", passages[index].rate,
                    of_the_first(passages[index].rate, passages[0].rate));
        table.state("  round trip p50", "us", trips[index].trip,
                    of_the_first(trips[index].trip, trips[0].trip));
        table.state("  round trip p99", "us", trips[index].slow_trip);
    }
#ifndef DRAINPIPE_BENCH_ZMQ
    table.state("ZeroMQ ipc", "M/s", {});
#endif
    table.section("The same in batches of 1000", "");
    const auto batches = everybody(load_of(64, 1000), directory);
    const auto batched = run_passages(batches, effort);
    for (std::size_t index = 0; index < batches.size(); ++index) {
        table.state(batches[index].name, "M/s", batched[index].rate,
                    of_the_first(batched[index].rate, batched[0].rate));
    }
}

}  // namespace drainpipe::bench
