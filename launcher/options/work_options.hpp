#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "layout.hpp"
#include "option_texts.hpp"

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

// Throws Failure(usage).
WorkOptions read_work_options(const CommandLine& line, const OptionTexts& texts);

}  // namespace drainpipe
