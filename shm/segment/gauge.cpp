#include "gauge.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <bitset>
#include <boost/interprocess/shared_memory_object.hpp>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <system_error>

#include "inspection.hpp"
#include "layout.hpp"

namespace drainpipe {
namespace {

namespace ipc = boost::interprocess;

// How long to try for a reading that the head stands still under. The launcher must not be held up
// by consumers that go on for ever: what it gets then is a moment older here than there.
constexpr int kMaxTries = 100;
constexpr std::uint64_t kMaxLooks = std::uint64_t{1} << 22;

// What the events are that the ledger and the states know of.
struct Reading {
    Ledger ledger;
    std::uint64_t tail = 0;
    std::uint64_t in_flight = 0;
    std::array<std::uint64_t, kCompletionKinds> done{};
};

// The states of the events from the head on that were given to a consumer, or may have been.
Reading read_once(const Header& header, const EventStates& states) {
    Reading reading{.ledger = read_ledger(header), .tail = header.tail.load()};
    const Ledger& ledger = reading.ledger;
    std::ranges::copy(ledger.done, reading.done.begin());
    for (std::uint64_t event = ledger.head; event < ledger.given_end; ++event) {
        const EventState state = states.at(event);
        if (state.is_given() || (state.is_waiting() && ledger.is_broadcast != 0)) {
            ++reading.in_flight;
        } else if (state.is_done() && state.kind() < kCompletionKinds) {
            ++reading.done[state.kind()];
        }
    }
    return reading;
}

// The head moves over states before they are set back: where it has not moved each was read while
// it was its event's.
Reading read(const Header& header, const EventStates& states) {
    std::uint64_t looks = 0;
    for (int tries = 1;; ++tries) {
        Reading reading = read_once(header, states);
        looks += reading.ledger.given_end - reading.ledger.head;
        std::atomic_thread_fence(std::memory_order_acquire);  // the states before the second look
        const bool is_whole = read_ledger(header).head == reading.ledger.head;
        if (is_whole || tries == kMaxTries || looks >= kMaxLooks) {
            return reading;
        }
    }
}

}  // namespace

std::string identity_of(const Header& header) {
    std::array<char, 17> text;
    std::snprintf(text.data(), text.size(), "%016" PRIx64, header.identity);
    return text.data();
}

std::string to_text(const Account& account) {
    return "accepted=" + std::to_string(account.accepted) +
           " processed=" + std::to_string(account.processed) +
           " emptied=" + std::to_string(account.emptied) +
           " drained=" + std::to_string(account.drained) + " left=" + std::to_string(account.left) +
           " redelivered=" + std::to_string(account.redelivered) +
           " dead=" + std::to_string(account.dead) + " retried=" + std::to_string(account.retried);
}

Account account_of(const Header& header, const EventStates& states) {
    const Reading reading = read(header, states);
    const std::uint64_t accepted = reading.tail - header.settled_before_run.load();
    std::uint64_t left = accepted;
    const auto take = [&left](std::uint64_t events) {
        const std::uint64_t taken = std::min(events, left);
        left -= taken;
        return taken;
    };
    const std::uint64_t processed = take(reading.done[0]);
    const std::uint64_t emptied = take(reading.done[1]);
    const std::uint64_t drained = take(reading.done[2]);
    const std::uint64_t dead = take(reading.done[3]);
    const std::uint64_t in_flight = std::min(reading.in_flight, left);
    return {.accepted = accepted,
            .processed = processed,
            .emptied = emptied,
            .drained = drained,
            .dead = dead,
            .left = left,
            .redelivered = reading.ledger.redelivered,
            .retried = reading.ledger.retried,
            .in_flight = in_flight,
            .buffered = left - in_flight};
}

Gauge::Gauge(const std::string& name) {
    if (inspect_segment(name) != Standing::ready) {
        throw SegmentRefused(segment_path(name) + " is not ready");
    }
    try {
        const ipc::shared_memory_object object(ipc::open_only, name.c_str(), ipc::read_only);
        const ipc::mapped_region header(object, ipc::read_only, 0, kHeaderBytes);
        const Geometry geometry = static_cast<const Header*>(header.get_address())->geometry;
        region_ = ipc::mapped_region(object, ipc::read_only, 0, geometry.buffer_offset());
    } catch (const ipc::interprocess_exception& error) {
        throw std::system_error(error.get_native_error(), std::generic_category(),
                                "cannot map " + segment_path(name));
    }
}

const Header& Gauge::header() const { return *static_cast<const Header*>(region_.get_address()); }

EventStates Gauge::states() const {
    const Geometry& geometry = header().geometry;
    const char* const front = static_cast<const char*>(region_.get_address());
    const auto* const states =
        reinterpret_cast<const std::uint8_t*>(front + geometry.states_offset());
    // Nothing is written through it: the mapping would not let it.
    return EventStates({const_cast<std::uint8_t*>(states), geometry.slots});
}

Account Gauge::read() const { return account_of(header(), states()); }

std::uint64_t Gauge::waiting_for_retry() const {
    const Geometry& geometry = header().geometry;
    const auto* const retry_times = reinterpret_cast<const std::uint32_t*>(
        static_cast<const char*>(region_.get_address()) + geometry.retry_times_offset());
    const EventStates states = this->states();
    const bool has_keys = header().settings.dispatch == Dispatch::partition;
    std::bitset<kMaxConsumers> blocked;
    std::uint64_t events = 0;
    for (std::uint64_t event = header().head.load(); event < header().tail.load(); ++event) {
        const EventState state = states.at(event);
        if (!state.is_waiting()) {
            continue;
        }
        const bool waits = retry_times[event & (geometry.slots - 1)] != 0;
        if (waits && has_keys) {
            blocked[state.partition()] = true;
        }
        events += waits || (has_keys && blocked[state.partition()]) ? 1 : 0;
    }
    return events;
}

std::string Gauge::run_directory() const {
    const auto& directory = header().settings.run_directory;
    return {directory.data(), ::strnlen(directory.data(), directory.size())};
}

std::uint64_t Gauge::log_lines_lost() const { return header().log_lines_lost.load(); }

bool Gauge::intake_is_closed() const { return header().intake_closed.load() != 0; }

std::uint32_t Gauge::scalings() const { return header().scalings.load(); }

}  // namespace drainpipe
