#include "stage_endpoint.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <optional>
#include <string>

#include "descriptor.hpp"
#include "endpoint_file.hpp"
#include "endpoint_variables.hpp"
#include "failure.hpp"
#include "stage.hpp"

namespace drainpipe {
namespace {

void close_standard_input() {
    const Descriptor nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!nothing.is_open() || ::dup2(nothing.get(), STDIN_FILENO) < 0) {
        throw_errno("cannot open /dev/null");
    }
}

Endpoint endpoint_by_hand(const char* option) {
    std::optional<Endpoint> endpoint = endpoint_in_environment(option);
    hide_credentials_in_environment();
    if (!endpoint) {
        throw Failure(ExitCode::usage, "started by hand, and " + variable_of_option(option) +
                                           " has no URL: set it to the one of the launcher's --" +
                                           option);
    }
    return *endpoint;
}

}  // namespace

Endpoint take_endpoint(const Stage& stage, EndpointRole role) {
    if (stage.is_by_hand()) {
        return endpoint_by_hand(role == EndpointRole::source ? "source" : "sink");
    }
    Endpoint endpoint = read_endpoint(STDIN_FILENO);
    close_standard_input();
    return endpoint;
}

}  // namespace drainpipe
