#pragma once

#include <boost/interprocess/mapped_region.hpp>
#include <cstdint>
#include <string>

#include "account.hpp"
#include "event_state.hpp"
#include "layout.hpp"

namespace drainpipe {

// A segment's identity, in sixteen hexadecimal digits.
std::string identity_of(const Header& header);

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

    Snapshot snapshot() const { return snapshot_of(front()); }

    // What it reads from: nothing of it can be written to.
    SegmentFront front() const;
    const Header& header() const;
    EventStates states() const;

  private:
    boost::interprocess::mapped_region region_;
};

}  // namespace drainpipe
