#pragma once

#include <filesystem>
#include <optional>

#include "service_environment.hpp"

namespace drainpipe {

// A listening socket that a service manager holds and has passed to this process. It is the
// manager's: whoever has it accepts on it, and never binds, unlinks or shuts it down, so that
// clients can connect while no process of the service runs.
struct ActivatedSocket {
    int fd;  // does not block, and closes at exec; open as long as this process runs
    std::filesystem::path path;
};

// The socket that was passed, if one was. Throws Failure(usage) where there are several, or it is
// no stream socket of Unix with a path that is listened on.
std::optional<ActivatedSocket> find_activated_socket(const ServiceEnvironment& environment);

}  // namespace drainpipe
