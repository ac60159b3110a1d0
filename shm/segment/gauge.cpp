#include "gauge.hpp"

#include <array>
#include <bitset>
#include <boost/interprocess/shared_memory_object.hpp>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <system_error>

#include "inspection.hpp"
#include "layout.hpp"

namespace drainpipe {
namespace ipc = boost::interprocess;

std::string identity_of(const Header& header) {
    std::array<char, 17> text;
    std::snprintf(text.data(), text.size(), "%016" PRIx64, header.identity);
    return text.data();
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

SegmentFront Gauge::front() const { return SegmentFront::at(region_.get_address()); }

EventStates Gauge::states() const { return front().states; }

Account Gauge::read() const { return account_of(header(), states()); }

std::uint64_t Gauge::waiting_for_retry() const {
    const Geometry& geometry = header().geometry;
    const std::uint32_t* const retry_times = front().retry_times;
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
