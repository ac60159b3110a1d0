#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "segment.hpp"

namespace drainpipe {

// How a pipeline stands, as one line for the service manager to show: "accepted=7000 done=2500
// dead=0 left=4500"; in a stop, whose deadline is given then, with what is left of the time.
std::string service_status(const Segment& segment,
                           std::optional<std::chrono::steady_clock::time_point> stop_deadline);

}  // namespace drainpipe
