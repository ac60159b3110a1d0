#include "drainpipe/endpoint.hpp"

#include "credentials.hpp"

namespace drainpipe {

std::string_view Endpoint::option(std::string_view name) const {
    for (const auto& [key, value] : options) {
        if (key == name) {
            return value;
        }
    }
    return {};
}

std::string Endpoint::described() const { return without_credentials(url); }

}  // namespace drainpipe
