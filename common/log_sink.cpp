#include "log_sink.hpp"

#include <fcntl.h>
#include <spdlog/pattern_formatter.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

#include "failure.hpp"

namespace drainpipe {
namespace {

using namespace std::chrono_literals;

// A write takes far less; only a stopped process holds the lock for longer.
constexpr std::chrono::microseconds kLockPatience = 20ms;
constexpr std::chrono::microseconds kBetweenTries = 100us;

Descriptor open_log(const std::filesystem::path& path) {
    Descriptor file(::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644));
    if (!file.is_open()) {
        throw_errno("cannot open the log " + path.string());
    }
    return file;
}

}  // namespace

LogSink::LogSink(std::filesystem::path path, File need) : path_(std::move(path)) {
    try {
        file_ = open_log(path_);
    } catch (const std::system_error&) {
        if (need == File::required) {
            throw;
        }
    }
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

bool LogSink::take_file_lock() {
    const auto patience = is_lock_held_up_ ? 0us : kLockPatience;
    for (auto waited = 0us;; waited += kBetweenTries) {
        if (::flock(file_.get(), LOCK_EX | LOCK_NB) == 0) {
            is_lock_held_up_ = false;
            return true;
        }
        if (errno != EWOULDBLOCK || waited >= patience) {
            is_lock_held_up_ = errno == EWOULDBLOCK;
            return false;
        }
        std::this_thread::sleep_for(kBetweenTries);
    }
}

void LogSink::remove_torn_end() const {
    struct stat info {};
    if (::fstat(file_.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
        return;
    }
    off_t end = info.st_size;
    std::array<char, 4096> bytes;
    // Most often this reads the one byte that is a newline.
    for (std::size_t length = 1; end > 0; length = bytes.size()) {
        const off_t begin = std::max<off_t>(0, end - static_cast<off_t>(length));
        const ssize_t count =
            ::pread(file_.get(), bytes.data(), static_cast<std::size_t>(end - begin), begin);
        if (count != end - begin) {
            return;
        }
        const std::string_view block(bytes.data(), static_cast<std::size_t>(count));
        if (const auto newline = block.rfind('\n'); newline != std::string_view::npos) {
            end = begin + static_cast<off_t>(newline) + 1;
            break;
        }
        end = begin;
    }
    // Whoever could not wait for the lock may have appended since.
    struct stat now {};
    if (end != info.st_size && ::fstat(file_.get(), &now) == 0 && now.st_size == info.st_size) {
        [[maybe_unused]] const int result = ::ftruncate(file_.get(), end);
    }
}

void LogSink::write_out(std::string_view text, std::uint64_t records) {
    const bool is_locked = take_file_lock();
    if (is_locked) {
        remove_torn_end();
    }
    const std::size_t written = write_all(file_.get(), text);
    if (written < text.size()) {
        const std::string_view out = text.substr(0, written);
        lost_ += records - static_cast<std::uint64_t>(std::count(out.begin(), out.end(), '\n'));
        if (is_locked) {
            remove_torn_end();
        }
    }
    if (is_locked) {
        ::flock(file_.get(), LOCK_UN);
    }
}

}  // namespace drainpipe
