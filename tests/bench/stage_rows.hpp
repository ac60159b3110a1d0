#pragma once

#include <cstdint>
#include <string>

#include "table.hpp"

namespace drainpipe::bench {

struct StageEffort {
    int runs;
    std::uint64_t events;
    double seconds;  // of each of the peer's runs
};

// Stages of a user's own, through the public library alone, in real pipelines.
void print_stages(Table& table, const StageEffort& effort, const std::string& programs);

}  // namespace drainpipe::bench
