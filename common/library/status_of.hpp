#pragma once

#include <string>

#include "drainpipe/status.hpp"
#include "gauge.hpp"

namespace drainpipe {

// How the pipeline stands that has this segment.
Status status_of(const std::string& name, const Header& header, const EventStates& states);

}  // namespace drainpipe
