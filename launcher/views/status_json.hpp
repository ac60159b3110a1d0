#pragma once

#include <string>

#include "drainpipe/status.hpp"

namespace drainpipe {

// The snapshot as one JSON object on one line. Keys may be added, never changed.
std::string to_json(const Status& status);

// The words of `state`, of a pipeline and of a child.
const char* to_text(Status::Phase phase);
const char* to_text(Status::Child::State state);

}  // namespace drainpipe
