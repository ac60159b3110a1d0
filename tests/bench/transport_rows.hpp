#pragma once

#include <string>

#include "table.hpp"

namespace drainpipe::bench {

struct Effort {
    int runs;                 // of each, taken in turns
    double seconds;           // for each passage of events
    std::size_t round_trips;  // of those that spin; those that sleep get a tenth
};

// Events from one process to another, ours beside each peer. `directory` is for sockets.
void print_transports(Table& table, const Effort& effort, const std::string& directory);

}  // namespace drainpipe::bench
