#pragma once

#include <spdlog/logger.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "log_sink.hpp"

namespace drainpipe {

// A program's voice in log/info.log. Each record is in the file when the call returns.
class Log {
  public:
    static constexpr const char* kFileName = "info.log";

    // Makes the directory if it is not there. `label` (Address::log_label) stands before the
    // message in every record. Throws Failure where the file is required and can't be written.
    Log(const std::filesystem::path& directory, const std::string& program, LogSink::File need,
        const std::string& label = "");

    template <typename... Arguments>
    void info(spdlog::format_string_t<Arguments...> format, Arguments&&... arguments) {
        logger_.info(format, std::forward<Arguments>(arguments)...);
    }

    template <typename... Arguments>
    void warn(spdlog::format_string_t<Arguments...> format, Arguments&&... arguments) {
        logger_.warn(format, std::forward<Arguments>(arguments)...);
    }

    template <typename... Arguments>
    void error(spdlog::format_string_t<Arguments...> format, Arguments&&... arguments) {
        logger_.error(format, std::forward<Arguments>(arguments)...);
    }

    const std::string& program() const { return logger_.name(); }
    LogSink& sink() { return *sink_; }

  private:
    std::shared_ptr<LogSink> sink_;
    spdlog::logger logger_;
};

}  // namespace drainpipe
