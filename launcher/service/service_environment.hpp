#pragma once

#include <chrono>
#include <string>

namespace drainpipe {

// What a service manager says by environment variables, as sd_notify(3), sd_watchdog_enabled(3) and
// sd_listen_fds(3) have them. What is meant for another process is left out.
struct ServiceEnvironment {
    std::string notify_socket;              // a path, or @ and an abstract name; empty: none
    std::chrono::microseconds watchdog{0};  // it wants to hear from us as often; zero: it does not
    std::string listen_fds;                 // how many sockets are passed; empty: none
};

// Takes the variables out of the environment, so that no process that this one starts has them.
// Requires that no thread was started.
ServiceEnvironment take_service_environment();

}  // namespace drainpipe
