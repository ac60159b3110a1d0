#include "drainpipe/version.hpp"

#include "layout.hpp"

namespace drainpipe {

const char* version() { return DRAINPIPE_VERSION; }

std::uint32_t layout_version() { return kLayoutVersion; }

}  // namespace drainpipe
