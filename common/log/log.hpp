#pragma once

#include <spdlog/fmt/fmt.h>

#include <filesystem>
#include <memory>
#include <string>

#include "log_sink.hpp"

namespace spdlog {
class logger;
}

namespace drainpipe {

// A program's voice in log/info.log. Each record is in the file when the call returns.
class Log {
  public:
    static constexpr const char* kFileName = "info.log";

    // Makes the directory if it is not there. `label` (Address::log_label) stands before the
    // message in every record. Throws Failure where the file is required and can't be written.
    Log(const std::filesystem::path& directory, const std::string& program, LogSink::File need,
        const std::string& label = "");

    ~Log();
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;

    template <typename... Arguments>
    void info(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
        write(spdlog::level::info, format, fmt::make_format_args(arguments...));
    }

    template <typename... Arguments>
    void warn(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
        write(spdlog::level::warn, format, fmt::make_format_args(arguments...));
    }

    template <typename... Arguments>
    void error(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
        write(spdlog::level::err, format, fmt::make_format_args(arguments...));
    }

    const std::string& program() const;
    LogSink& sink() { return *sink_; }

  private:
    // Formatted in one place, so that not every caller compiles a formatter.
    void write(spdlog::level::level_enum level, fmt::string_view format,
               fmt::format_args arguments);

    std::shared_ptr<LogSink> sink_;
    std::unique_ptr<spdlog::logger> logger_;
};

}  // namespace drainpipe
