#include "output.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <string>

#include "descriptor.hpp"
#include "failure.hpp"

namespace drainpipe {
namespace {

void write_or_fail(int fd, std::string_view bytes) {
    if (write_all(fd, bytes) != bytes.size()) {
        throw Failure(ExitCode::io, std::string("cannot write payloads to standard output: ") +
                                        std::strerror(errno));
    }
}

// The longest run of whole lines at the beginning of `lines` that a pipe takes in one piece, or its
// first line where that is longer.
std::string_view piece_of(std::string_view lines) {
    if (lines.size() <= PIPE_BUF) {
        return lines;
    }
    const auto last = lines.rfind('\n', PIPE_BUF - 1);
    return lines.substr(0, (last != std::string_view::npos ? last : lines.find('\n')) + 1);
}

// What stands behind the last newline of a file's first `end` bytes; empty where that is more than
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

Output::Output(int fd) : fd_(fd), kind_(Kind::other) {
    struct stat info {};
    if (::fstat(fd, &info) == 0) {
        kind_ = S_ISREG(info.st_mode)    ? Kind::file
                : S_ISFIFO(info.st_mode) ? Kind::pipe
                                         : Kind::other;
    }
}

void Output::write(std::string_view lines) const {
    if (kind_ != Kind::pipe) {
        write_or_fail(fd_, lines);
        return;
    }
    while (!lines.empty()) {
        const std::string_view piece = piece_of(lines);
        write_or_fail(fd_, piece);
        lines.remove_prefix(piece.size());
    }
}

void Output::mend(const std::vector<std::string_view>& begun_payloads) const {
    if (begun_payloads.empty()) {
        return;
    }
    if (kind_ == Kind::file) {
        mend_file(begun_payloads);
    } else if (kind_ == Kind::pipe && longest_of(begun_payloads) >= PIPE_BUF) {
        write_or_fail(fd_, "\n");
    }
}

void Output::mend_file(const std::vector<std::string_view>& begun_payloads) const {
    const bool appends = (::fcntl(fd_, F_GETFL) & O_APPEND) != 0;
    const off_t end = ::lseek(fd_, 0, appends ? SEEK_END : SEEK_CUR);
    const Descriptor reading(
        ::open(("/proc/self/fd/" + std::to_string(fd_)).c_str(), O_RDONLY | O_CLOEXEC));
    if (end <= 0 || !reading.is_open()) {
        return;
    }
    const std::string piece = unfinished_line(reading.get(), end, longest_of(begun_payloads));
    const bool is_ours =
        std::any_of(begun_payloads.begin(), begun_payloads.end(),
                    [&piece](std::string_view payload) { return payload.starts_with(piece); });
    if (!piece.empty() && is_ours) {
        const off_t whole = end - static_cast<off_t>(piece.size());
        if (::ftruncate(fd_, whole) != 0 || ::lseek(fd_, whole, SEEK_SET) < 0) {
            throw_errno("cannot mend standard output");
        }
    }
}

}  // namespace drainpipe
