#pragma once

#include <string>

#include "account.hpp"
#include "drainpipe/status.hpp"

namespace drainpipe {

// How the pipeline stands that has this segment: what the segment says, and of the processes that
// it names what the kernel does, where they can be seen from here.
Status status_of(const std::string& name, const SegmentFront& front);

}  // namespace drainpipe
