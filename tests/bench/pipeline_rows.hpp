#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "table.hpp"

namespace drainpipe::bench {

struct PipelineEffort {
    int runs;
    std::uint64_t events;
    std::vector<std::uint64_t> depths;
};

// The whole pipeline beside spdlog and Redis, then what it costs against depth. `programs` is the
// directory of the launcher and its like.
void print_pipeline(Table& table, const PipelineEffort& effort, const std::string& programs);

}  // namespace drainpipe::bench
