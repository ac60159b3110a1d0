#pragma once

#include <cstdint>
#include <string>

#include "table.hpp"

namespace drainpipe::bench {

struct NatsEffort {
    int runs;
    std::uint64_t messages;
};

// The source and the sink for NATS JetStream, each in a real pipeline, beside bare clients and
// beside Redis Streams.
void print_nats(Table& table, const NatsEffort& effort, const std::string& programs);

}  // namespace drainpipe::bench
