#include "log_sink.hpp"

#include <fcntl.h>
#include <spdlog/pattern_formatter.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <string>
#include <utility>

#include "escape.hpp"
#include "failure.hpp"

namespace drainpipe {
namespace {

constexpr off_t kMaxLine = 16 * 1024;

Descriptor open_log(const std::filesystem::path& path) {
    Descriptor file(::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644));
    struct stat info {};
    if (!file.is_open() || ::fstat(file.get(), &info) != 0) {
        throw_errno("cannot open the log " + path.string());
    }
    if (!S_ISREG(info.st_mode) && !S_ISCHR(info.st_mode)) {
        errno = EINVAL;  // a pipe would hold its writers up
        throw_errno("the log " + path.string() + " is not a file");
    }
    return file;
}

// Whether no name leads to the open file any more: what is written there is gone with it.
bool is_removed(int fd) {
    struct stat info {};
    return ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_nlink == 0;
}

// Who takes a torn end away has the second lock alone; who appends without the first one shares it,
// so that nothing of it is taken for torn. False when it is not to be had now.
bool set_cutting(int fd, short type) {
    struct flock lock {};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    return ::fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

// The size of a file; of anything else 0.
off_t size_of(int fd) {
    struct stat info {};
    return ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode) ? info.st_size : 0;
}

// Whether the last byte of a file of that size is no newline.
bool has_open_end(int fd, off_t size) {
    char last = '\n';
    return size > 0 && ::pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

struct OpenEnd {
    off_t begin;
    std::string text;
};

// What follows the last newline of a file of that size, as far as a record may reach.
std::optional<OpenEnd> open_end_of(int fd, off_t size) {
    const off_t begin = std::max<off_t>(0, size - kMaxLine);
    std::string text(static_cast<std::size_t>(size - begin), '\0');
    if (::pread(fd, text.data(), text.size(), begin) != size - begin) {
        return std::nullopt;
    }
    const auto after_newline = text.rfind('\n') + 1;  // 0 where there is none
    if (after_newline == text.size()) {
        return std::nullopt;
    }
    return OpenEnd{begin + static_cast<off_t>(after_newline), text.substr(after_newline)};
}

bool is_beginning_of_record(std::string_view text) {
    constexpr std::string_view kShape = "0000-00-00T00:00:00.000000Z [";
    for (std::size_t index = 0; index < std::min(text.size(), kShape.size()); ++index) {
        const bool fits = kShape[index] == '0' ? text[index] >= '0' && text[index] <= '9'
                                               : text[index] == kShape[index];
        if (!fits) {
            return false;
        }
    }
    return text.size() < kMaxLine;
}

}  // namespace

LogSink::LogSink(std::filesystem::path path, File need, const std::string& label)
    : path_(std::move(path)) {
    try {
        file_ = open_log(path_);
    } catch (const std::system_error&) {
        if (need == File::required) {
            throw;
        }
    }
    set_formatter_(std::make_unique<spdlog::pattern_formatter>(
        "%Y-%m-%dT%H:%M:%S.%fZ [" + std::to_string(::getpid()) + "] [%n] [%l] " + label + "%v",
        spdlog::pattern_time_type::utc));
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
        std::filesystem::create_directories(path_.parent_path());
        file_ = open_log(path_);
        whole_size_ = 0;
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
    const std::string_view text(message.payload.data(), message.payload.size());
    const std::string shown = is_plain(text) ? std::string() : escaped(text);
    spdlog::details::log_msg one_line = message;
    if (!shown.empty()) {
        one_line.payload = shown;
    }
    formatter_->format(one_line, buffer_);
    ++buffered_records_;
}

void LogSink::flush_() {
    if (buffer_.size() > 0) {
        write_out({buffer_.data(), buffer_.size()}, std::exchange(buffered_records_, 0));
        buffer_.clear();
    }
}

bool LogSink::take_file_lock() {
    return lock_timing_.take([this] {
        if (::flock(file_.get(), LOCK_EX | LOCK_NB) == 0) {
            return TimedLock::Found::free;
        }
        return errno == EWOULDBLOCK ? TimedLock::Found::held : TimedLock::Found::impossible;
    });
}

off_t LogSink::mend_end() const {
    const off_t size = size_of(file_.get());
    if (size == whole_size_ || !has_open_end(file_.get(), size) ||
        !set_cutting(file_.get(), F_WRLCK)) {
        return size;
    }
    if (const auto end = open_end_of(file_.get(), size_of(file_.get()))) {
        if (is_beginning_of_record(end->text)) {
            [[maybe_unused]] const int result = ::ftruncate(file_.get(), end->begin);
        } else {
            write_all(file_.get(), "\n");
        }
    }
    set_cutting(file_.get(), F_UNLCK);
    return size_of(file_.get());
}

bool LogSink::append(std::string_view text, std::uint64_t records) {
    const std::size_t written = write_all(file_.get(), text);
    if (is_removed(file_.get())) {
        lost_ += records;
    } else if (written < text.size()) {
        const std::string_view out = text.substr(0, written);
        lost_ += records - static_cast<std::uint64_t>(std::count(out.begin(), out.end(), '\n'));
    }
    return written == text.size();
}

void LogSink::write_beside_lock(std::string_view text, std::uint64_t records) {
    set_cutting(file_.get(), F_RDLCK);
    append(text, records);
    set_cutting(file_.get(), F_UNLCK);
}

void LogSink::write_out(std::string_view text, std::uint64_t records) {
    if (!take_file_lock()) {
        write_beside_lock(text, records);
        return;
    }
    const off_t size = mend_end();
    if (append(text, records)) {
        whole_size_ = size + static_cast<off_t>(text.size());
    } else {
        mend_end();
    }
    ::flock(file_.get(), LOCK_UN);
}

}  // namespace drainpipe
