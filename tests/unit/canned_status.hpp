#pragma once

#include "drainpipe/status.hpp"

namespace drainpipe::test {

// A pipeline that runs, with a figure of its own for all that is counted.
inline Status canned_status() {
    using namespace std::chrono_literals;
    const auto child = [](std::int64_t pid, std::uint64_t restarts) {
        return Status::Child{.pid = pid,
                             .state = Status::Child::State::running,
                             .uptime = 60s,
                             .restarts = restarts};
    };
    return {
        .name = "x",
        .run = "5f1c0e9a",
        .phase = Status::Phase::running,
        .uptime = 61s,
        .launcher = 1,
        .last_heartbeat = 0.5s,
        .accepted = 7000,
        .processed = 1500,
        .emptied = 20,
        .drained = 3,
        .dead = 3,
        .left = 5474,
        .in_flight = 974,
        .buffered = 4500,
        .retrying = 7,
        .redelivered = 8,
        .retried = 9,
        .demand = 26,
        .capacity = 262144,
        .buffer_bytes = 16777216,
        .buffer_used_bytes = 31000,
        .log_lines_lost = 11,
        .accepted_per_second = 100,
        .done_per_second = 50,
        .oldest_event = 12.5s,
        .producer = {child(2, 1), 4},
        .consumer_restarts = 5,
        .consumers = {{child(3, 2), 1, 500, 13, 0}, {child(4, 3), 2, 474, 13, 0}},
        .source = Status::Source{.url = "nats://localhost/ORDERS/workers",
                                 .is_connected = true,
                                 .pending = 90,
                                 .ack_pending = 91,
                                 .unacknowledged = 92,
                                 .given_back = 0},
        .stop = {},
        .work = {
            .buckets = {{0.001, 1000}, {0.1, 500}}, .longer = 20, .events = 1520, .seconds = 75.5}};
}

}  // namespace drainpipe::test
