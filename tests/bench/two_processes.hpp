#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "transport.hpp"

namespace drainpipe::bench {

struct Passage {
    double events_per_second;
    double sender_ns_per_event;    // processor time
    double receiver_ns_per_event;  // processor time
};

// Sends events through it for about `seconds`, from a process on the first core to one on the
// second. Throws if an event is missing, doubled or out of order.
Passage measure_passage(Transport& transport, const Load& load, double seconds);

// Nanoseconds of each of `count` round trips between two processes on two cores: there and back,
// each after `quiet` without any.
std::vector<double> measure_round_trips(Transport& there, Transport& back, const Load& load,
                                        std::size_t count, std::chrono::microseconds quiet);

}  // namespace drainpipe::bench
