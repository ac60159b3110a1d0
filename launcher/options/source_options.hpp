#pragma once

#include <filesystem>

#include "layout.hpp"
#include "option_texts.hpp"

namespace drainpipe {

// Where the events come from.
struct SourceOptions {
    SourceKind kind;
    std::filesystem::path file;      // absolute
    std::filesystem::path producer;  // of the user's own, absolute
    bool has_socket;
};

// Throws Failure(usage).
SourceOptions read_source_options(const CommandLine& line, const OptionTexts& texts);

}  // namespace drainpipe
