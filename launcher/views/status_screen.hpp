#pragma once

#include <string>
#include <vector>

#include "drainpipe/status.hpp"

namespace drainpipe {

// The snapshot as one screen of text: a line each, plain ASCII, at most 80 columns where names and
// numbers are of the usual size. What matters most comes first.
std::vector<std::string> screen_of(const Status& status);

}  // namespace drainpipe
