#pragma once

#include "drainpipe/endpoint.hpp"

namespace drainpipe {

class Stage;

// What a stage stands for.
enum class EndpointRole { source, sink };

// Takes the endpoint of a stage: what the launcher gives it by its standard input, or, of one that
// was started by hand, DRAINPIPE_SOURCE or DRAINPIPE_SINK and DRAINPIPE_NATS_CA and the like. From
// then on the one is /dev/null, and the other one has no URL. To be called once, before any thread
// is started. Throws Failure(usage) where there is none.
Endpoint take_endpoint(const Stage& stage, EndpointRole role);

}  // namespace drainpipe
