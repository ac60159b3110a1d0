#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace drainpipe {

// What `launcher --source URL` or `--sink URL` leads to, as the program that stands for its scheme
// gets it: past the command line and the environment, where others could read a password.
struct Endpoint {
    // As it was given, with user and password if it has them. Not for logs: described() is.
    std::string url;
    // Options for the engine that are files or secrets themselves: of --nats-ca FILE
    // ("nats-ca", "/etc/ca.pem"). Paths are absolute.
    std::vector<std::pair<std::string, std::string>> options;

    // The option's value; empty where it was not given.
    [[gnu::visibility("default")]] std::string_view option(std::string_view name) const;
    // The URL without user and password.
    [[gnu::visibility("default")]] std::string described() const;
};

}  // namespace drainpipe
