#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "address.hpp"
#include "dead_command.hpp"
#include "failure.hpp"
#include "layout.hpp"

namespace drainpipe {

// What is to be done with an event. Settings says what each means.
struct WorkOptions {
    WorkKind kind;
    std::string command;  // or the pipeline that is forwarded to, or the program of stages
    WorkerFormat worker_format;
    std::uint32_t jobs;
    std::uint32_t batch;
    std::uint32_t window;
    std::uint32_t retries;
    std::chrono::microseconds batch_wait;
    std::chrono::microseconds timeout;  // 0: none
    std::chrono::microseconds backoff;
    std::chrono::microseconds backoff_max;
    std::chrono::nanoseconds begin_interval;  // 0: no rate
};

struct SourceOptions {
    SourceKind kind;
    std::filesystem::path file;      // absolute
    std::filesystem::path producer;  // of the user's own, absolute
    bool has_socket;
};

// What a launcher was asked for, checked.
struct Options {
    Address address;
    std::filesystem::path log_directory;  // absolute
    std::chrono::microseconds grace;
    std::uint64_t max_demand;
    std::uint64_t min_demand;
    std::uint64_t capacity;
    std::uint64_t buffer_bytes;
    std::chrono::microseconds event_delay;
    std::int64_t log_events_per_second;  // -1 for all
    std::uint32_t socket_mode;
    std::optional<gid_t> socket_group;
    bool discard;
    unsigned consumers;
    Dispatch dispatch;
    std::uint32_t partition_by;        // 0 where there are no keys
    std::int32_t partition_delimiter;  // -1 for white space
    WorkOptions work;
    SourceOptions source;

    // `launcher scale N`: nothing is started, the running pipeline gets so many consumers.
    std::optional<unsigned> scale_to;
    // `launcher dead ...`: nothing is started either.
    std::optional<DeadCommand> dead;
};

// Reads the command line, the environment and the configuration file. Nothing means that all is
// said (--help, --version). Throws Failure(usage).
std::optional<Options> parse_options(int argc, char** argv);

}  // namespace drainpipe
