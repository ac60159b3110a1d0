#include <benchmark/benchmark.h>
#include <pthread.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "delivery.hpp"
#include "event_record.hpp"
#include "ring_writer.hpp"
#include "scratch_segment.hpp"

// What the parts cost within one process.
namespace {

using namespace drainpipe;
using drainpipe::test::ScratchSegment;

constexpr std::size_t kRoom = 8192;

double least(const std::vector<double>& values) { return *std::ranges::min_element(values); }
double most(const std::vector<double>& values) { return *std::ranges::max_element(values); }

// The spread beside the median, which Google Benchmark gives by itself.
void with_spread(benchmark::internal::Benchmark* measured) {
    measured->ComputeStatistics("least", least)->ComputeStatistics("most", most);
}

void lock_plain(benchmark::State& state) {
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    for (auto step : state) {
        ::pthread_mutex_lock(&mutex);
        ::pthread_mutex_unlock(&mutex);
    }
}
BENCHMARK(lock_plain)->Apply(with_spread);

// With two threads it is contended.
void lock_robust(benchmark::State& state) {
    static ScratchSegment scratch("bench-lock", 1, 1);
    RobustLock lock(scratch.header().lock);
    for (auto step : state) {
        const std::lock_guard guard(lock);
    }
}
BENCHMARK(lock_robust)->Apply(with_spread)->Threads(1)->Threads(2)->UseRealTime();

void begin_all(Delivery& reader, const Delivery::Chunk& chunk) {
    for (const EventRange& range : chunk.ranges) {
        reader.begin(range);
    }
}

void commit_all(Delivery& reader) {
    const Delivery::Chunk chunk = reader.turn(0, 0, kRoom);
    begin_all(reader, chunk);
    reader.turn(chunk.size(), chunk.size(), 0);
}

// Pushes batches of the first argument with payloads of the second; a full ring is emptied off the
// clock. `push_one` gets the writer and pushes one batch.
template <typename PushOne>
void push_batches(benchmark::State& state, PushOne push_one) {
    const auto batch = static_cast<std::size_t>(state.range(0));
    ScratchSegment scratch("bench-push", kRoom, kRoom * static_cast<std::uint64_t>(state.range(1)));
    RingWriter writer(scratch.get());
    Delivery reader(scratch.get());
    reader.turn(0, kRoom, 0);
    std::size_t pushed = 0;
    for (auto step : state) {
        if (pushed + batch > kRoom) {
            state.PauseTiming();
            commit_all(reader);
            pushed = 0;
            state.ResumeTiming();
        }
        pushed += push_one(writer).count;
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}

void push(benchmark::State& state) {
    const std::string payload(static_cast<std::size_t>(state.range(1)), 'x');
    const std::vector<std::string_view> payloads(static_cast<std::size_t>(state.range(0)), payload);
    push_batches(state, [&](RingWriter& writer) { return writer.push(payloads); });
}
BENCHMARK(push)->Apply(with_spread)->ArgsProduct({{1, 10, 100, 1000}, {8, 64, 1024}});

// Commit, ask, take and begin, of one event each.
void turn(benchmark::State& state) {
    ScratchSegment scratch("bench-turn", kRoom, kRoom * 8);
    RingWriter writer(scratch.get());
    Delivery reader(scratch.get());
    reader.turn(0, kRoom, 0);
    const std::vector<std::string_view> payloads(kRoom, "xxxxxxxx");
    std::uint64_t done = 0;
    for (auto step : state) {
        Delivery::Chunk chunk = reader.turn(done, done, 1);
        if (chunk.is_empty()) {
            state.PauseTiming();
            benchmark::DoNotOptimize(writer.push(payloads));
            state.ResumeTiming();
            chunk = reader.turn(0, 0, 1);
        }
        begin_all(reader, chunk);
        done = chunk.size();
    }
}
BENCHMARK(turn)->Apply(with_spread);

void write_a_record(benchmark::State& state) {
    std::array<char, kMaxRecord> text;
    std::uint64_t id = 0;
    for (auto step : state) {
        benchmark::DoNotOptimize(
            write_record(text.data(), CompletionKind::processed, {++id, 1, "4711471"}));
    }
}
BENCHMARK(write_a_record)->Apply(with_spread);

}  // namespace

BENCHMARK_MAIN();
