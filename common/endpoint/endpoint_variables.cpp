#include "endpoint_variables.hpp"

#include <cctype>
#include <cstdlib>
#include <filesystem>

#include "credentials.hpp"

namespace drainpipe {
namespace {

constexpr std::array<std::string_view, 2> kUrlOptions{"source", "sink"};

// What is set, or empty.
std::string value_of_variable(std::string_view option) {
    const char* const value = std::getenv(variable_of_option(option).c_str());
    return value == nullptr ? "" : value;
}

}  // namespace

std::string variable_of_option(std::string_view option) {
    std::string name = "DRAINPIPE_";
    for (const char character : option) {
        name += character == '-'
                    ? '_'
                    : static_cast<char>(std::toupper(static_cast<unsigned char>(character)));
    }
    return name;
}

std::optional<Endpoint> endpoint_in_environment(std::string_view option) {
    Endpoint endpoint{.url = value_of_variable(option), .options = {}};
    if (endpoint.url.empty()) {
        return std::nullopt;
    }
    for (const std::string_view name : kEndpointOptions) {
        if (const std::string file = value_of_variable(name); !file.empty()) {
            endpoint.options.emplace_back(name, std::filesystem::absolute(file).string());
        }
    }
    return endpoint;
}

void hide_credentials(int argc, char** argv) {
    for (int index = 1; index < argc; ++index) {
        const std::string_view word = argv[index];
        for (const std::string_view option : kUrlOptions) {
            const std::string flag = "--" + std::string(option);
            if (word == flag && index + 1 < argc) {
                mask_credentials(argv[index + 1]);
            } else if (word.starts_with(flag + "=")) {
                mask_credentials(argv[index] + flag.size() + 1);
            }
        }
    }
    hide_credentials_in_environment();
}

void hide_credentials_in_environment() {
    for (const std::string_view option : kUrlOptions) {
        const std::string name = variable_of_option(option);
        mask_credentials(std::getenv(name.c_str()));
        ::unsetenv(name.c_str());
    }
}

}  // namespace drainpipe
