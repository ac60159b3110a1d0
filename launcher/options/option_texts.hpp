#pragma once

#include <filesystem>
#include <string>

#include "address.hpp"
#include "command_line.hpp"

namespace drainpipe {

// The options as they were written, with their defaults.
struct OptionTexts {
    std::string name = Address::kDefaultName;
    std::string run_directory;
    std::string log_directory = "log";
    std::string grace = "10s";
    std::string max_demand;
    std::string min_demand;
    std::string capacity = "262144";
    std::string buffer_size = "16M";
    std::string event_delay = "0";
    std::string log_events = "all";
    std::string socket_mode = "0600";
    std::string socket_group;
    bool discard = false;
    std::string http;
    std::string color = "auto";
    bool quiet = false;
    std::string consumers = "1";
    std::string dispatch = "demand";
    std::string partition_by;
    std::string partition_delimiter;
    std::string exec;
    std::string worker;
    std::string forward;
    std::string consumer;
    std::string jobs;
    std::string batch;
    std::string batch_wait;
    std::string window;
    std::string worker_format;
    std::string timeout;
    std::string retries;
    std::string backoff;
    std::string backoff_max;
    std::string rate;
    std::string from;
    std::string producer;
    bool socket = false;
    std::string source;
    std::string source_timeout;
    bool give_back = false;
    std::string sink;
    std::string nats_ca;
    std::string nats_cert;
    std::string nats_key;
    std::string nats_creds;
};

// Has the command line fill them.
void describe_options(CommandLine& line, OptionTexts& texts);

// Throws Failure(usage) that says where the value came from, the value and why it is none.
[[noreturn]] void refuse(const CommandLine& line, const std::string& flag, const std::string& value,
                         const std::string& why);

// The same of a URL, whose user and password are not shown.
[[noreturn]] void refuse_url(const CommandLine& line, const std::string& flag,
                             const std::string& url, const std::string& why);

// The path of a user's own stage, absolute. Throws Failure(usage) where it has `most` bytes or
// more.
std::filesystem::path program_of(const CommandLine& line, const std::string& flag,
                                 const std::string& path, std::size_t most);

}  // namespace drainpipe
