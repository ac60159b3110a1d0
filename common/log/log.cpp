#include "log.hpp"

#include <spdlog/logger.h>

#include <system_error>

#include "failure.hpp"

namespace drainpipe {
namespace {

std::shared_ptr<LogSink> open_in(const std::filesystem::path& directory, LogSink::File need,
                                 const std::string& label) {
    try {
        if (need == LogSink::File::required) {
            std::filesystem::create_directories(directory);
        }
        return std::make_shared<LogSink>(directory / Log::kFileName, need, label);
    } catch (const std::system_error& error) {
        throw creation_failure("cannot write the log in " + directory.string(),
                               error.code().value());
    }
}

}  // namespace

Log::Log(const std::filesystem::path& directory, const std::string& program, LogSink::File need,
         const std::string& label)
    : sink_(open_in(directory, need, label)),
      logger_(std::make_unique<spdlog::logger>(program, sink_)) {
    logger_->flush_on(spdlog::level::trace);
}

Log::~Log() = default;

const std::string& Log::program() const { return logger_->name(); }

void Log::write(spdlog::level::level_enum level, fmt::string_view format,
                fmt::format_args arguments) {
    logger_->log(level, fmt::vformat(format, arguments));
}

}  // namespace drainpipe
