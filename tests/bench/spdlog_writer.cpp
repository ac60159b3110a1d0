#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "line_writers.hpp"
#include "numbered_lines.hpp"
#include "stopwatch.hpp"

namespace drainpipe::bench {

double write_with_spdlog(const std::string& path, std::uint64_t count) {
    const Stopwatch watch;
    const auto sink = std::make_shared<spdlog::sinks::basic_file_sink_st>(path, true);
    spdlog::logger logger("consumer", sink);
    // The pid as it stands: %P would ask the kernel for it at each line.
    logger.set_formatter(std::make_unique<spdlog::pattern_formatter>(
        "%Y-%m-%dT%H:%M:%S.%fZ [" + std::to_string(::getpid()) + "] [%n] [%l] %v",
        spdlog::pattern_time_type::utc));
    char digits[20];
    for (std::uint64_t id = 1; id <= count; ++id) {
        const char* const end = std::to_chars(digits, digits + sizeof digits, id).ptr;
        logger.info("drained id={} payload={}", id, std::string_view(digits, end));
    }
    logger.flush();
    const double seconds = watch.seconds();
    check_numbers(path, count, "drained id=");
    std::filesystem::remove(path);
    return seconds;
}

}  // namespace drainpipe::bench
