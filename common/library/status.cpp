#include "drainpipe/status.hpp"

#include "gauge.hpp"
#include "status_of.hpp"

namespace drainpipe {

Status read_status(const std::string& name) { return status_of(name, Gauge(name).front()); }

}  // namespace drainpipe
