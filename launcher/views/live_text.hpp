#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "drainpipe/status.hpp"

namespace drainpipe {

// The snapshot as one line that is redrawn in place, at most `columns` wide: what is said first
// matters most, and what there is no room for is left out.

// While it runs.
std::string live_text(const Status& status, std::size_t columns);

// While it drains; the bar is of what was left when the stop came.
std::string drain_text(const Status& status, std::uint64_t left_at_stop, std::size_t columns);

// While it works on a source that has an end: `total` lines, where that is known.
std::string job_text(std::uint64_t done, std::optional<std::uint64_t> total, double per_second,
                     std::size_t columns);

}  // namespace drainpipe
