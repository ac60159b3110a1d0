#pragma once

#include <chrono>
#include <filesystem>

#include "drainpipe/endpoint.hpp"
#include "layout.hpp"
#include "option_texts.hpp"

namespace drainpipe {

// Where the events come from.
struct SourceOptions {
    SourceKind kind;
    std::filesystem::path file;      // absolute
    std::filesystem::path producer;  // of the user's own, absolute
    bool has_socket;
    // Of SourceKind::engine:
    Endpoint endpoint = {};
    std::filesystem::path program = {};      // that stands for its scheme, absolute
    std::chrono::microseconds timeout = {};  // without a connection; 0: none
    bool gives_back = false;
};

// Throws Failure(usage).
SourceOptions read_source_options(const CommandLine& line, const OptionTexts& texts);

}  // namespace drainpipe
