#pragma once

#include <sys/types.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "descriptor.hpp"

namespace drainpipe {

// Has the identity of the segment whose events a process works on.
inline constexpr const char* kRunVariable = "DRAINPIPE_RUN";

// Processes whose parents have ended and whose nearest ancestor that adopts is this process: what a
// command left running, in whatever group or session it hides.
// See prctl(2), PR_SET_CHILD_SUBREAPER.
class AdoptedChildren {
  public:
    // From now on this process adopts. The children that it has are none of them.
    AdoptedChildren();

    // The children that are neither `own` nor were there at the beginning, zombies among them.
    // Requires the process's first thread alive: that is the one that adopts.
    std::vector<pid_t> list(const std::set<pid_t>& own) const;

    // SIGKILL for them, and zombies are reaped; false when there is none any more. Where the
    // process had children before, or adopts those of a whole container as process 1, only for
    // those that have that value of the variable in their environment.
    bool kill(const std::set<pid_t>& own, std::string_view variable, std::string_view value) const;

  private:
    std::vector<pid_t> children() const;

    Descriptor file_;  // of the kernel's, with the first thread's children
    std::set<pid_t> before_;
    bool has_others_;
};

// The value of a variable in the environment that a process was started with; empty where it has
// none, or that can't be read.
std::string variable_of(pid_t pid, std::string_view name);

}  // namespace drainpipe
