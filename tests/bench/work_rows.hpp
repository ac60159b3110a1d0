#pragma once

#include <cstdint>
#include <string>

#include "table.hpp"

namespace drainpipe::bench {

struct WorkEffort {
    int runs;
    std::uint64_t commands;  // of each kind
    std::uint64_t events;    // for a worker
};

// Whole jobs from a file: commands beside xargs and GNU parallel, workers beside the same worker
// behind a bare pipe. `programs` is the directory of the launcher and its like.
void print_work(Table& table, const WorkEffort& effort, const std::string& programs);

}  // namespace drainpipe::bench
