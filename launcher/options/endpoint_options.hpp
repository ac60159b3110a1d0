#pragma once

#include <filesystem>
#include <string>

#include "drainpipe/endpoint.hpp"
#include "option_texts.hpp"

namespace drainpipe {

// The engine that a URL leads to, as --source or --sink (`flag`) has it: SCHEME://HOST/PATH, and
// the options for its scheme. Throws Failure(usage) that shows neither user nor password.
Endpoint read_endpoint_options(const CommandLine& line, const OptionTexts& texts,
                               const std::string& flag, const std::string& url);

// The program that stands for the URL's scheme, SCHEME_source or SCHEME_sink (`role`), beside this
// one. Requires a URL that read_endpoint_options() has taken.
std::filesystem::path program_of_scheme(const std::string& url, const std::string& role);

// Refuses what is for an engine where neither source nor sink is of it. Throws Failure(usage).
void require_engine_of_options(const CommandLine& line, const OptionTexts& texts);

}  // namespace drainpipe
