#pragma once

#include <string>

#include "drainpipe/status.hpp"

namespace drainpipe {

// All metrics of a pipeline, in the format of MetricsText. Names and labels are what dashboards and
// alerts rely on; docs/reference.md has them.
std::string metrics_of(const Status& status);

}  // namespace drainpipe
