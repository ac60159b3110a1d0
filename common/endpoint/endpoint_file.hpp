#pragma once

#include "descriptor.hpp"
#include "drainpipe/endpoint.hpp"

namespace drainpipe {

// How the launcher gives an endpoint to the stages that it starts: in a file of memory that has no
// name and can't be changed any more. It is their standard input, so that the endpoint is on no
// command line and in no environment; each reads it from its beginning, as often as a stage is
// started. Lines of key=value, the URL first.

// Throws std::system_error. Requires values without a newline.
Descriptor write_endpoint(const Endpoint& endpoint);

// Reads it from `fd`. Throws Failure(usage) where that is no such file.
Endpoint read_endpoint(int fd);

}  // namespace drainpipe
