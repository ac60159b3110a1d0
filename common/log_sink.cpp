#include "log_sink.hpp"

#include <fcntl.h>
#include <spdlog/pattern_formatter.h>

#include <algorithm>
#include <utility>

#include "failure.hpp"

namespace drainpipe {
namespace {

Descriptor open_log(const std::filesystem::path& path) {
    Descriptor file(
        ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644));
    if (!file.is_open()) {
        throw_errno("cannot open the log " + path.string());
    }
    return file;
}

}  // namespace

LogSink::LogSink(std::filesystem::path file) : path_(std::move(file)), file_(open_log(path_)) {
    set_formatter_(std::make_unique<spdlog::pattern_formatter>(
        "%Y-%m-%dT%H:%M:%S.%fZ [%P] [%n] [%l] %v", spdlog::pattern_time_type::utc));
}

std::string LogSink::prefix(std::string_view logger, spdlog::level::level_enum level) {
    const std::lock_guard guard(mutex_);
    spdlog::memory_buf_t text;
    formatter_->format(
        spdlog::details::log_msg(spdlog::string_view_t(logger.data(), logger.size()), level, ""),
        text);
    return {text.data(), text.size() - 1};
}

void LogSink::write_records(std::string_view text, std::uint64_t records) {
    const std::lock_guard guard(mutex_);
    flush_();
    write_out(text, records);
}

bool LogSink::reopen() {
    const std::lock_guard guard(mutex_);
    flush_();
    try {
        file_ = open_log(path_);
        return true;
    } catch (const std::system_error&) {
        return false;
    }
}

std::uint64_t LogSink::take_lost() {
    const std::lock_guard guard(mutex_);
    return std::exchange(lost_, 0);
}

void LogSink::sink_it_(const spdlog::details::log_msg& message) {
    formatter_->format(message, buffer_);
    ++buffered_records_;
}

void LogSink::flush_() {
    if (buffer_.size() > 0) {
        write_out({buffer_.data(), buffer_.size()}, std::exchange(buffered_records_, 0));
        buffer_.clear();
    }
}

void LogSink::write_out(std::string_view text, std::uint64_t records) {
    if (has_torn_end_) {
        has_torn_end_ = write_all(file_.get(), "\n") == 0;
    }
    const std::size_t written = has_torn_end_ ? 0 : write_all(file_.get(), text);
    if (written == text.size()) {
        return;
    }
    const std::string_view out = text.substr(0, written);
    lost_ += records - static_cast<std::uint64_t>(std::count(out.begin(), out.end(), '\n'));
    if (written > 0) {
        has_torn_end_ = out.back() != '\n';
    }
}

}  // namespace drainpipe
