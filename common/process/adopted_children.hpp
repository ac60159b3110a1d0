#pragma once

#include <sys/types.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "descriptor.hpp"

namespace drainpipe {

// Processes whose parents have ended and whose nearest ancestor that adopts is this process: what a
// command left running, in whatever group or session it hides.
// See prctl(2), PR_SET_CHILD_SUBREAPER.
class AdoptedChildren {
  public:
    // From now on this process adopts. The children that it has are none of them.
    AdoptedChildren();

    // Whether the process had children of its own before, or adopts anyway as process 1.
    bool has_others() const { return has_others_; }

    // The children that are neither `own` nor were there at the beginning, zombies among them.
    // Requires the process's first thread alive: that is the one that adopts.
    std::vector<pid_t> list(const std::set<pid_t>& own) const;

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
