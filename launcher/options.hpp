#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>

#include "address.hpp"
#include "exit_code.hpp"

namespace drainpipe {

// What a launcher was asked for, checked.
struct Options {
    Address address;
    std::filesystem::path log_folder;  // absolute
    std::chrono::microseconds grace;
    std::uint64_t max_demand;
    std::uint64_t min_demand;
    std::uint64_t capacity;
    std::uint64_t buffer_bytes;
    std::chrono::microseconds event_delay;
    bool discard;
};

// Reads the command line, the environment and the configuration file. Nothing means that all is
// said (--help, --version). Throws Failure(usage).
std::optional<Options> parse_options(int argc, char** argv);

}  // namespace drainpipe
