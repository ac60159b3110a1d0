#pragma once

#include <filesystem>
#include <optional>

#include "drainpipe/endpoint.hpp"
#include "option_texts.hpp"

namespace drainpipe {

// Where the results of the work go, if not to standard output.
struct SinkOptions {
    Endpoint endpoint;
    std::filesystem::path program;  // that stands for its scheme, absolute
};

// Throws Failure(usage).
std::optional<SinkOptions> read_sink_options(const CommandLine& line, const OptionTexts& texts);

}  // namespace drainpipe
