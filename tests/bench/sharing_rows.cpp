#include "sharing_rows.hpp"

#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <deque>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "delivery.hpp"
#include "other_process.hpp"
#include "ring_writer.hpp"
#include "shared_object.hpp"

namespace drainpipe::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kRoom = 8192;
constexpr std::size_t kBytes = 64;
constexpr std::size_t kBatch = 1000;
constexpr std::uint64_t kDemand = 1000;
constexpr std::array<unsigned, 4> kConsumers{1, 2, 4, 8};

struct Tally {
    std::atomic<unsigned> ready{0};
    std::atomic<bool> is_over{false};
    std::atomic<std::uint64_t> events{0};
    std::atomic<std::uint64_t> numbers{0};  // their sum
};

std::uint64_t number_in(std::string_view payload) {
    std::uint64_t number = 0;
    std::memcpy(&number, payload.data(), sizeof number);
    return number;
}

// Takes events as a consumer does, until all are done.
void consume(Segment& segment, unsigned number, Tally& tally) {
    Delivery reader(segment, number);
    ++tally.ready;
    const auto is_over = [&] { return tally.is_over.load(); };
    std::uint64_t done = 0;
    std::uint64_t asked = kDemand;
    std::uint64_t events = 0;
    std::uint64_t numbers = 0;
    while (!is_over()) {
        Delivery::Chunk chunk = reader.turn(done, asked, kDemand / 2);
        if (chunk.is_empty()) {
            chunk = reader.wait(kDemand / 2, is_over);
        }
        for (const EventRange& range : chunk.ranges) {
            reader.begin(range);
            for (std::uint64_t event = range.first; event < range.last; ++event) {
                numbers += number_in(reader.payload(event));
            }
        }
        done = asked = chunk.size();
        events += done;
    }
    reader.commit(done);
    tally.events += events;
    tally.numbers += numbers;
}

// Pushes for so long, then until all is done; how many events that were.
std::uint64_t produce(Segment& segment, double seconds) {
    RingWriter writer(segment);
    std::vector<char> batch(kBytes * kBatch, 'x');
    std::vector<std::string_view> payloads;
    for (std::size_t index = 0; index < kBatch; ++index) {
        payloads.emplace_back(&batch[index * kBytes], kBytes);
    }
    std::uint64_t next = 0;
    const auto end = Clock::now() + std::chrono::duration<double>(seconds);
    while (Clock::now() < end) {
        for (std::size_t index = 0; index < kBatch; ++index, ++next) {
            std::memcpy(&batch[index * kBytes], &next, sizeof next);
        }
        std::span<const std::string_view> left(payloads);
        while (!left.empty()) {
            left = left.subspan(writer.push(left).count);
            if (!left.empty()) {
                writer.wait_for_room(kBytes, [] { return false; });
            }
        }
    }
    const Header& header = segment.header();
    while (header.head.load() < next) {
        ::usleep(20);
    }
    return next;
}

double measure(unsigned consumers, double seconds) {
    const std::string name = "dp-bench-share-" + std::to_string(::getpid());
    Segment segment = Segment::make(name, Geometry::of(kRoom, kRoom * kBytes));
    Segment::remove(name);  // its processes have it mapped
    Settings settings{};
    settings.consumers = consumers;
    segment.begin_run(settings);
    const SharedObject<Tally> tally;
    std::deque<OtherProcess> processes;
    for (unsigned number = 0; number < consumers; ++number) {
        processes.emplace_back([&, number] { consume(segment, number, *tally); });
    }
    while (tally->ready < consumers) {
        ::usleep(100);
    }
    const auto begin = Clock::now();
    const std::uint64_t events = produce(segment, seconds);
    const std::chrono::duration<double> passed = Clock::now() - begin;
    tally->is_over = true;
    segment.header().events_available.notify_always();
    for (OtherProcess& process : processes) {
        process.wait();
    }
    if (tally->events != events || tally->numbers != events * (events - 1) / 2) {
        throw std::runtime_error("events were lost between several consumers, or came twice");
    }
    return static_cast<double>(events) / passed.count() / 1e6;
}

}  // namespace

void print_sharing(Table& table, const Effort& effort) {
    std::array<Figure, kConsumers.size()> rates;
    for (int run = 0; run < effort.runs; ++run) {
        for (std::size_t index = 0; index < kConsumers.size(); ++index) {
            rates[index].add(measure(kConsumers[index], effort.seconds));
        }
    }
    table.section("Several consumers on one ring",
                  "64 B events in batches of 1000, demand 1000, asleep when there is nothing");
    for (std::size_t index = 0; index < kConsumers.size(); ++index) {
        const Figure ratio = ratio_of(rates[index], rates[0]);
        table.state(std::to_string(kConsumers[index]) + " consumers", "M/s", rates[index],
                    index == 0 ? "" : std::to_string(ratio.median()).substr(0, 4) + " of one");
    }
}

}  // namespace drainpipe::bench
