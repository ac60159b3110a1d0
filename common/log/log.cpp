#include "log.hpp"

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
    : sink_(open_in(directory, need, label)), logger_(program, sink_) {
    logger_.flush_on(spdlog::level::trace);
}

}  // namespace drainpipe
