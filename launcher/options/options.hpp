#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>

#include "activated_socket.hpp"
#include "address.hpp"
#include "http_address.hpp"
#include "layout.hpp"
#include "option_texts.hpp"
#include "sink_options.hpp"
#include "source_options.hpp"
#include "terminal.hpp"
#include "work_options.hpp"

namespace drainpipe {

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
    std::optional<ActivatedSocket> activated_socket;  // that the intake takes, if one was passed
    bool discard;
    unsigned consumers;
    Dispatch dispatch;
    std::uint32_t partition_by;        // 0 where there are no keys
    std::int32_t partition_delimiter;  // -1 for white space
    WorkOptions work;
    SourceOptions source;
    std::optional<SinkOptions> sink;
    std::optional<HttpAddress> http;
    ColorMode colour;
    bool is_quiet;
};

// Where clients find the intake, if it takes any.
inline std::filesystem::path socket_path_of(const Options& options) {
    return options.activated_socket ? options.activated_socket->path
                                    : options.address.socket_path();
}

// Reads what the command line was given, of all but the socket that may be passed. Throws
// Failure(usage).
Options read_options(const CommandLine& line, const OptionTexts& texts);

// The same of what commands need. Throws Failure(usage).
Address read_address(const CommandLine& line, const OptionTexts& texts);
std::filesystem::path read_log_directory(const CommandLine& line, const OptionTexts& texts);

}  // namespace drainpipe
