#include "gauge.hpp"

#include <algorithm>
#include <array>
#include <boost/interprocess/shared_memory_object.hpp>
#include <system_error>

#include "inspection.hpp"
#include "layout.hpp"

namespace drainpipe {
namespace {

namespace ipc = boost::interprocess;

struct Standings {
    std::uint64_t in_flight = 0;
    std::uint64_t waiting = 0;
    std::array<std::uint64_t, kStretches> done{};
};

// Of the events from the head on that were given to somebody, or may have been.
Standings standings_of(const Ledger& ledger, const Marks& marks) {
    Standings standings;
    for (std::uint64_t event = ledger.head; event < ledger.given_end; ++event) {
        const Mark mark = marks.at(event);
        if (mark.is_given()) {
            ++standings.in_flight;
        } else if (mark.is_waiting()) {
            ++(ledger.is_broadcast != 0 ? standings.in_flight : standings.waiting);
        } else if (mark.is_done() && mark.stretch() < kStretches) {
            ++standings.done[mark.stretch()];
        }
    }
    return standings;
}

}  // namespace

std::string to_text(const Account& account) {
    return "accepted=" + std::to_string(account.accepted) +
           " processed=" + std::to_string(account.processed) +
           " emptied=" + std::to_string(account.emptied) +
           " drained=" + std::to_string(account.drained) + " left=" + std::to_string(account.left) +
           " redelivered=" + std::to_string(account.redelivered);
}

Account account_of(const Header& header, const Marks& marks) {
    const Ledger ledger = read_ledger(header);
    const std::uint64_t tail = header.tail.load();
    const Standings standings = standings_of(ledger, marks);
    const std::uint64_t accepted = tail - header.settled_before_run.load();
    const std::uint64_t processed = ledger.done[0] + standings.done[0];
    const std::uint64_t emptied = ledger.done[1] + standings.done[1];
    const std::uint64_t drained = ledger.done[2] + standings.done[2];
    const std::uint64_t left = accepted - processed - emptied - drained;
    const std::uint64_t in_flight = std::min(standings.in_flight, left);
    return {.accepted = accepted,
            .processed = processed,
            .emptied = emptied,
            .drained = drained,
            .left = left,
            .redelivered = ledger.redelivered,
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
        const Shape shape = static_cast<const Header*>(header.get_address())->shape;
        region_ = ipc::mapped_region(object, ipc::read_only, 0, shape.buffer_offset());
    } catch (const ipc::interprocess_exception& error) {
        throw std::system_error(error.get_native_error(), std::generic_category(),
                                "cannot map " + segment_path(name));
    }
}

const Header& Gauge::header() const { return *static_cast<const Header*>(region_.get_address()); }

Account Gauge::read() const {
    const Shape& shape = header().shape;
    const char* const front = static_cast<const char*>(region_.get_address());
    const Mark* const marks = reinterpret_cast<const Mark*>(front + shape.marks_offset());
    // Nothing is written through it: the mapping would not let it.
    return account_of(header(), Marks(const_cast<Mark*>(marks), shape.slots));
}

std::uint64_t Gauge::log_lines_lost() const { return header().log_lines_lost.load(); }

bool Gauge::intake_is_closed() const { return header().intake_closed.load() != 0; }

std::uint32_t Gauge::scalings() const { return header().scalings.load(); }

}  // namespace drainpipe
