#pragma once

#include "connector.hpp"
#include "drainpipe/endpoint.hpp"

namespace drainpipe::nats {

// Those of the options --nats-ca, --nats-cert, --nats-key and --nats-creds.
inline SecurityFiles files_of(const Endpoint& endpoint) {
    return {.ca = std::string(endpoint.option("nats-ca")),
            .certificate = std::string(endpoint.option("nats-cert")),
            .key = std::string(endpoint.option("nats-key")),
            .credentials = std::string(endpoint.option("nats-creds"))};
}

}  // namespace drainpipe::nats
