#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "drainpipe/endpoint.hpp"

namespace drainpipe {

// What stands for an endpoint's options on command lines and in configuration files, and in
// Endpoint::options: paths of files.
inline constexpr std::array<std::string_view, 4> kEndpointOptions{"nats-ca", "nats-cert",
                                                                  "nats-key", "nats-creds"};

// The same in the environment, and the URLs: DRAINPIPE_NATS_CA, DRAINPIPE_SOURCE, DRAINPIPE_SINK.
std::string variable_of_option(std::string_view option);

// The endpoint that the environment has: `option` is "source" or "sink". Paths are made absolute.
// Nothing where the URL's variable is not set or empty.
std::optional<Endpoint> endpoint_in_environment(std::string_view option);

// User and password of a source and a sink are overwritten where the kernel shows them to others:
// on this process's command line (--source URL, --source=URL, and --sink) and in its environment,
// from which both variables are removed, so that no child has them. To be called when they are
// read. Requires that no other thread runs.
void hide_credentials(int argc, char** argv);
void hide_credentials_in_environment();

}  // namespace drainpipe
