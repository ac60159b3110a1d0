#include "log_lines.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <string>
#include <system_error>
#include <utility>

#include "failure.hpp"

namespace drainpipe {
namespace {

// A record has at most 16 KiB.
constexpr std::size_t kReadAtOnce = 256 * 1024;

[[noreturn]] void fail_to_read(const std::filesystem::path& path, int error) {
    const std::string reason = std::generic_category().message(error);
    if (error == ENOENT || error == ENOTDIR) {
        throw Failure(ExitCode::unavailable,
                      "there is no log " + path.string() +
                          ": name the one of the run, LOG_DIR/info.log, or its --log-dir");
    }
    throw Failure(error == EACCES || error == EPERM ? ExitCode::no_permission : ExitCode::io,
                  "cannot read the log " + path.string() + ": " + reason);
}

Descriptor open_to_read(const std::filesystem::path& path) {
    Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (!file.is_open()) {
        fail_to_read(path, errno);
    }
    return file;
}

std::uint64_t bytes_to_read(int fd) {
    struct stat info {};
    return ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode)
               ? static_cast<std::uint64_t>(info.st_size)
               : std::numeric_limits<std::uint64_t>::max();
}

}  // namespace

LogLines::LogLines(const std::filesystem::path& path)
    : path_(path),
      file_(open_to_read(path)),
      buffer_(kReadAtOnce),
      unread_(bytes_to_read(file_.get())) {}

std::optional<LogLines::Line> LogLines::next() {
    std::size_t from = begin_;
    while (true) {
        const char* const base = buffer_.data();
        if (const void* const newline = std::memchr(base + from, '\n', end_ - from)) {
            const auto at = static_cast<std::size_t>(static_cast<const char*>(newline) - base);
            const std::string_view text(base + begin_, at - begin_);
            begin_ = at + 1;
            const bool is_whole = !std::exchange(is_within_line_, false);
            return Line{is_whole ? text : std::string_view(), is_whole};
        }
        make_room();
        from = end_;
        if (!read_more()) {
            return last_line();
        }
    }
}

// What is no whole line yet moves to the front; a line that fills all goes.
void LogLines::make_room() {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= std::exchange(begin_, 0);
    if (end_ == buffer_.size()) {
        is_within_line_ = true;
        end_ = 0;
    }
}

bool LogLines::read_more() {
    const auto most =
        static_cast<std::size_t>(std::min<std::uint64_t>(unread_, buffer_.size() - end_));
    ssize_t count = 0;
    do {
        count = ::read(file_.get(), buffer_.data() + end_, most);
    } while (count < 0 && errno == EINTR);
    if (count < 0) {
        fail_to_read(path_, errno);
    }
    end_ += static_cast<std::size_t>(count);
    unread_ -= static_cast<std::uint64_t>(count);
    return count > 0;
}

std::optional<LogLines::Line> LogLines::last_line() {
    const bool is_there = begin_ < end_ || is_within_line_;
    begin_ = end_;
    is_within_line_ = false;
    return is_there ? std::optional(Line{{}, false}) : std::nullopt;
}

}  // namespace drainpipe
