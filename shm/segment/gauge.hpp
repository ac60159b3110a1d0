#pragma once

#include <boost/interprocess/mapped_region.hpp>
#include <cstdint>
#include <string>

#include "event_state.hpp"
#include "layout.hpp"

namespace drainpipe {

// What became of the events of a run.
// Always accepted = processed + emptied + drained + dead + left.
struct Account {
    std::uint64_t accepted;   // by this run, and what it recovered
    std::uint64_t processed;  // committed before the drain began
    std::uint64_t emptied;    // in flight when it began, committed since
    std::uint64_t drained;    // buffered when it began, committed since
    std::uint64_t dead;       // given up: among the dead letters
    std::uint64_t left;
    std::uint64_t redelivered;
    std::uint64_t retried;  // attempts after a failure
    std::uint64_t in_flight;
    std::uint64_t buffered;
};

// Read while others go on: what it says was true a moment ago, and the sums are right.
Account account_of(const Header& header, const EventStates& states);

// A segment's identity, in sixteen hexadecimal digits.
std::string identity_of(const Header& header);

// "accepted=A processed=P emptied=E drained=D left=L redelivered=R dead=X retried=T"
std::string to_text(const Account& account);

// Reads how full the segment is, and can do nothing else: it maps the front of it read-only and
// takes no lock, so that it works beside a stage that hangs with the lock held.
class Gauge {
  public:
    // Throws SegmentRefused or std::system_error.
    explicit Gauge(const std::string& name);

    Account read() const;

    // How many events are left because they wait for a retry, or with keys behind one that does.
    // Requires that nothing is in flight: it counts what waits.
    std::uint64_t waiting_for_retry() const;

    // Of the launcher that began the run.
    std::string run_directory() const;
    std::int32_t launcher_pid() const { return header().settings.launcher_pid; }

    std::uint64_t log_lines_lost() const;
    bool intake_is_closed() const;

    // How often the number of consumers was asked for.
    std::uint32_t scalings() const;

    // What it reads from: neither can be written to.
    const Header& header() const;
    EventStates states() const;

  private:
    boost::interprocess::mapped_region region_;
};

}  // namespace drainpipe
