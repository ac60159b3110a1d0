#include "gauge.hpp"

#include <algorithm>
#include <boost/interprocess/shared_memory_object.hpp>
#include <system_error>

#include "inspection.hpp"
#include "layout.hpp"

namespace drainpipe {
namespace {

namespace ipc = boost::interprocess;

const Header& header_in(const ipc::mapped_region& region) {
    return *static_cast<const Header*>(region.get_address());
}

}  // namespace

std::string to_text(const Account& account) {
    return "accepted=" + std::to_string(account.accepted) +
           " processed=" + std::to_string(account.processed) +
           " emptied=" + std::to_string(account.emptied) +
           " drained=" + std::to_string(account.drained) + " left=" + std::to_string(account.left) +
           " redelivered=" + std::to_string(account.redelivered);
}

Account account_of(const Header& header) {
    // The drain's marks are stored before its flag, and head before demanded before tail can only
    // be read too low, never past one another.
    const bool drain_begun = header.drain_begun.load() != 0;
    const std::uint64_t head = header.head.load();
    const std::uint64_t demanded = header.demanded.load();
    const std::uint64_t tail = header.tail.load();
    const std::uint64_t run_head = header.run_head.load();
    const std::uint64_t stopped_head = drain_begun ? header.stopped_head.load() : head;
    const std::uint64_t stopped_dispatched = drain_begun ? header.stopped_dispatched.load() : head;
    const std::uint64_t dispatched = std::max(head, std::min(demanded, tail));

    const std::uint64_t emptied_to = std::clamp(head, stopped_head, stopped_dispatched);
    return {.accepted = tail - run_head,
            .processed = std::min(head, stopped_head) - run_head,
            .emptied = emptied_to - stopped_head,
            .drained = head > stopped_dispatched ? head - stopped_dispatched : 0,
            .left = tail - head,
            .redelivered = header.attachments.load().redelivered - header.run_redelivered.load(),
            .in_flight = dispatched - head,
            .buffered = tail - dispatched};
}

Gauge::Gauge(const std::string& name) {
    if (inspect_segment(name) != Standing::ready) {
        throw SegmentRefused(segment_path(name) + " is not ready");
    }
    try {
        const ipc::shared_memory_object object(ipc::open_only, name.c_str(), ipc::read_only);
        region_ = ipc::mapped_region(object, ipc::read_only, 0, kHeaderBytes);
    } catch (const ipc::interprocess_exception& error) {
        throw std::system_error(error.get_native_error(), std::generic_category(),
                                "cannot map " + segment_path(name));
    }
}

Account Gauge::read() const { return account_of(header_in(region_)); }

std::uint64_t Gauge::log_lines_lost() const { return header_in(region_).log_lines_lost.load(); }

bool Gauge::intake_is_closed() const { return header_in(region_).intake_closed.load() != 0; }

}  // namespace drainpipe
