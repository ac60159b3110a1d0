#pragma once

// The deaths of stages that a round's log tells of: each has a cause that the round knows, or that
// the launcher told. Other errors have no place in the log.

#include <sys/types.h>

#include <cstdint>
#include <set>
#include <string>
#include <utility>

#include "harness/record_log.hpp"

namespace soak {

// Whom and what.
using Signals = std::set<std::pair<pid_t, int>>;

class DeathAudit {
  public:
    // `log` has to outlive it.
    DeathAudit(const harness::RecordLog& log, Signals sent);

    [[nodiscard]] const std::string& fault() const { return fault_; }
    // Whether it was sent its death, by the round or by the launcher.
    [[nodiscard]] bool was_killed(pid_t pid) const;
    // How many were.
    [[nodiscard]] std::uint64_t kills() const;

  private:
    void check(const harness::Record& death);
    [[nodiscard]] bool was_killed_by_launcher(pid_t pid) const;
    // Whether its workers died too often for it to go on.
    [[nodiscard]] bool has_given_up(pid_t pid) const;
    void fail(const std::string& what, const harness::Record& record);

    const harness::RecordLog& log_;
    const Signals sent_;
    std::string fault_;
};

}  // namespace soak
