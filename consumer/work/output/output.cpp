#include "output.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstring>
#include <string>
#include <thread>
#include <utility>

#include "failure.hpp"
#include "terminal_line.hpp"

namespace drainpipe {
namespace {

// Between two tries to write where there is no room: much less than kNothingBegins, so that the
// consumer says why it leaves before the deadline.
constexpr std::chrono::milliseconds kBetweenTries{10};

// The longest run of whole lines at the beginning of `lines` that a pipe takes in one piece, or its
// first line where that is longer.
std::string_view piece_of(std::string_view lines) {
    if (lines.size() <= PIPE_BUF) {
        return lines;
    }
    const auto last = lines.rfind('\n', PIPE_BUF - 1);
    return lines.substr(0, (last != std::string_view::npos ? last : lines.find('\n')) + 1);
}

// What follows the last newline of a file's first `end` bytes; empty where that is more than
// `most` bytes.
std::string unfinished_line(int fd, off_t end, std::size_t most) {
    const off_t begin = std::max<off_t>(0, end - static_cast<off_t>(most) - 1);
    std::string bytes(static_cast<std::size_t>(end - begin), '\0');
    if (::pread(fd, bytes.data(), bytes.size(), begin) != end - begin) {
        return {};
    }
    const auto newline = bytes.rfind('\n');
    if (newline == std::string::npos) {
        return begin == 0 ? bytes : std::string();
    }
    return bytes.substr(newline + 1);
}

std::size_t longest_of(const std::vector<std::string_view>& payloads) {
    std::size_t longest = 0;
    for (const std::string_view payload : payloads) {
        longest = std::max(longest, payload.size());
    }
    return longest;
}

}  // namespace

Output::Output(int fd, Host& host)
    : fd_(fd), kind_(Kind::other), appends_((::fcntl(fd, F_GETFL) & O_APPEND) != 0), host_(host) {
    struct stat info {};
    if (::fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) {
        const std::string path = "/proc/self/fd/" + std::to_string(fd);
        reading_ = Descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
        // What can't be read can't be mended by what stands at its end.
        kind_ = reading_.is_open() ? Kind::file : Kind::other;
    } else if (S_ISFIFO(info.st_mode)) {
        kind_ = Kind::pipe;
    }
}

void Output::write(std::string_view lines) {
    if (!take(is_cuttable(lines))) {
        write_lines(lines);
        return;
    }
    mend();
    write_lines(lines);
    whole_end_ += static_cast<off_t>(lines.size());
    host_.leave_output();
}

void Output::write_whole(const std::function<std::string_view()>& next_part) {
    static_cast<void>(take(true));
    mend_cut();
    host_.set_may_be_cut(true);
    std::string_view before = before_lines();
    for (std::string_view part = next_part(); !part.empty(); part = next_part()) {
        put_out(std::exchange(before, {}), part);
    }
    host_.set_may_be_cut(false);
    host_.leave_output();
}

void Output::write_whole(std::string_view bytes) {
    if (kind_ != Kind::pipe || bytes.size() > PIPE_BUF) {
        write_whole([&] { return std::exchange(bytes, std::string_view()); });
        return;
    }
    if (!take(false)) {
        put_out(bytes);
        return;
    }
    mend_cut();
    put_out(bytes);
    host_.leave_output();
}

bool Output::take(bool is_cuttable) {
    return lock_timing_.take([&] {
        if (host_.try_output()) {
            return TimedLock::Found::free;
        }
        const bool is_torn_beside = host_.may_be_cut() || is_cuttable;
        return is_torn_beside ? TimedLock::Found::busy : TimedLock::Found::held;
    });
}

bool Output::is_cuttable(std::string_view lines) const {
    if (kind_ != Kind::pipe) {
        return kind_ == Kind::other;
    }
    while (!lines.empty()) {
        const std::string_view piece = piece_of(lines);
        if (piece.size() > PIPE_BUF) {
            return true;
        }
        lines.remove_prefix(piece.size());
    }
    return false;
}

void Output::write_lines(std::string_view lines) const {
    if (kind_ == Kind::file) {
        put_out(lines);
    } else if (kind_ == Kind::other) {
        write_cuttable(lines);
    } else {
        while (!lines.empty()) {
            const std::string_view piece = piece_of(lines);
            if (piece.size() <= PIPE_BUF) {
                put_out(piece);
            } else {
                write_cuttable(piece);
            }
            lines.remove_prefix(piece.size());
        }
    }
}

std::string_view Output::before_lines() const {
    return kind_ == Kind::other ? before_line(fd_) : std::string_view();
}

void Output::put_out(std::string_view before, std::string_view bytes) const {
    before.empty() ? put_out(bytes) : put_out(std::string(before).append(bytes));
}

void Output::put_out(std::string_view bytes) const {
    bool is_told = false;
    while (true) {
        bytes.remove_prefix(write_all(fd_, bytes));
        if (bytes.empty()) {
            return;
        }
        const std::string failure =
            std::string("cannot write payloads to standard output: ") + std::strerror(errno);
        if ((errno != ENOSPC && errno != EDQUOT) || !host_.may_begin()) {
            throw Failure(ExitCode::io, failure);
        }
        if (!std::exchange(is_told, true)) {
            host_.warn(failure + ": waiting for room");
        }
        std::this_thread::sleep_for(kBetweenTries);
    }
}

void Output::write_cuttable(std::string_view lines) const {
    host_.set_may_be_cut(true);
    put_out(before_lines(), lines);
    host_.set_may_be_cut(false);
}

void Output::mend() {
    if (!mend_cut() && kind_ == Kind::file) {
        whole_end_ = mend_file();
    }
}

bool Output::mend_cut() {
    if (!host_.may_be_cut()) {
        return false;
    }
    if (kind_ != Kind::file || !ends_with_newline()) {
        put_out("\n");
    }
    host_.set_may_be_cut(false);
    return true;
}

bool Output::ends_with_newline() const {
    const off_t end = ::lseek(fd_, 0, appends_ ? SEEK_END : SEEK_CUR);
    char last = '\n';
    return end <= 0 || ::pread(reading_.get(), &last, 1, end - 1) != 1 || last == '\n';
}

off_t Output::mend_file() const {
    const off_t end = ::lseek(fd_, 0, appends_ ? SEEK_END : SEEK_CUR);
    char last = '\n';
    if (end <= 0 || end == whole_end_ || ::pread(reading_.get(), &last, 1, end - 1) != 1 ||
        last == '\n') {
        return end;
    }
    const std::vector<std::string_view> begun = host_.begun_payloads();
    const std::string piece = unfinished_line(reading_.get(), end, longest_of(begun));
    const bool is_ours = std::any_of(begun.begin(), begun.end(), [&](std::string_view payload) {
        return payload.starts_with(piece);
    });
    if (piece.empty() || !is_ours) {
        return end;
    }
    const off_t whole = end - static_cast<off_t>(piece.size());
    if (::ftruncate(fd_, whole) != 0 || ::lseek(fd_, whole, SEEK_SET) < 0) {
        throw_errno("cannot mend standard output");
    }
    return whole;
}

}  // namespace drainpipe
