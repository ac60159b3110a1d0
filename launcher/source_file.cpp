#include "source_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <utility>

#include "failure.hpp"

namespace drainpipe {
namespace {

constexpr std::size_t kBlockBytes = 256 * 1024;

// So much is read within a second or two.
constexpr std::uint64_t kMostAtOnce = std::uint64_t{4} << 30;

}  // namespace

SourceFile::SourceFile(std::filesystem::path path)
    : path_(std::move(path)),
      file_(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)),
      block_(kBlockBytes) {
    struct stat info {};
    if (!file_.is_open() || ::fstat(file_.get(), &info) != 0) {
        throw creation_failure("cannot read --from " + path_.string(), errno);
    }
    if (S_ISDIR(info.st_mode)) {
        throw Failure(ExitCode::cannot_create,
                      "--from " + path_.string() + " is a directory: name a file of lines");
    }
    if (!S_ISREG(info.st_mode)) {
        throw Failure(ExitCode::cannot_create,
                      "--from " + path_.string() +
                          " is not a regular file: give it as standard input, with --from - <" +
                          path_.string());
    }
    identity_ = {info.st_dev, info.st_ino};
}

bool SourceFile::may_have_lines(std::uint64_t lines) {
    for (std::uint64_t bytes = 0; !is_counted_ && this->lines() < lines && bytes < kMostAtOnce;
         bytes += kBlockBytes) {
        count(kBlockBytes);
    }
    return !is_counted_ || this->lines() >= lines;
}

void SourceFile::count(std::uint64_t bytes) {
    for (std::uint64_t counted = 0; !is_counted_ && counted < bytes;) {
        const ssize_t count = ::read(file_.get(), block_.data(), block_.size());
        if (count <= 0) {
            // What can't be read is for the producer to say.
            is_counted_ = count == 0 || errno != EINTR;
            continue;
        }
        const auto read = std::span(block_).first(static_cast<std::size_t>(count));
        newlines_ += static_cast<std::uint64_t>(std::ranges::count(read, '\n'));
        is_line_open_ = read.back() != '\n';
        counted += read.size();
    }
}

}  // namespace drainpipe
