#include "file_source.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "failure.hpp"

namespace drainpipe {

FileSource::FileSource(Options options)
    : file_(std::move(options.file)),
      name_(std::move(options.name)),
      largest_payload_(options.largest_payload),
      on_end_(std::move(options.on_end)),
      splitter_(options.largest_payload),
      to_skip_(options.accepted),
      has_ended_(options.has_ended),
      block_(kBlockBytes) {}

void FileSource::serve(Acceptor& acceptor) {
    if (has_ended_ || !is_readable()) {
        return;
    }
    const ssize_t count = ::read(file_.get(), block_.data(), block_.size());
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) {
        return;
    }
    if (count < 0) {
        throw Failure(ExitCode::io, "cannot read " + name_ + ": " + std::strerror(errno));
    }
    if (count == 0) {
        end_of_file(acceptor);
        return;
    }
    const std::string_view bytes(block_.data(), static_cast<std::size_t>(count));
    is_line_open_ = bytes.back() != '\n';
    take_in(skip(bytes), acceptor);
}

// A read of a pipe or a terminal would wait, and a stop with it.
bool FileSource::is_readable() const {
    pollfd input{file_.get(), POLLIN, 0};
    return ::poll(&input, 1, 0) > 0;
}

void FileSource::end_of_file(Acceptor& acceptor) {
    if (to_skip_ > 0 && is_line_open_) {
        --to_skip_;  // the last line, which was accepted without a newline
        ++lines_done_;
    } else if (is_line_open_ && !take_in("\n", acceptor)) {
        return;
    }
    if (to_skip_ > 0) {
        throw Failure(ExitCode::cannot_create,
                      name_ + " has only " + std::to_string(lines_done_) + " lines, and " +
                          std::to_string(lines_done_ + to_skip_) +
                          " were accepted: it is not the file that it was; start over with "
                          "--discard");
    }
    has_ended_ = true;
    on_end_(lines_done_);
}

std::string_view FileSource::skip(std::string_view bytes) {
    if (to_skip_ == 0) {
        return bytes;
    }
    const auto newlines = static_cast<std::uint64_t>(std::ranges::count(bytes, '\n'));
    if (newlines < to_skip_) {
        to_skip_ -= newlines;
        lines_done_ += newlines;
        return {};
    }
    while (to_skip_ > 0) {
        bytes.remove_prefix(bytes.find('\n') + 1);
        --to_skip_;
        ++lines_done_;
    }
    return bytes;
}

bool FileSource::take_in(std::string_view bytes, Acceptor& acceptor) {
    lines_.clear();
    payloads_.clear();
    splitter_.split(bytes, lines_);
    const auto too_long = std::ranges::find(lines_, true, &wire::LineSplitter::Line::is_too_long);
    std::transform(lines_.begin(), too_long, std::back_inserter(payloads_),
                   [](const wire::LineSplitter::Line& line) { return line.payload; });
    const std::size_t accepted = acceptor.accept(payloads_);
    lines_done_ += accepted;
    if (accepted < payloads_.size()) {
        return false;
    }
    if (too_long != lines_.end()) {
        refuse(*too_long);
    }
    splitter_.release();
    return true;
}

void FileSource::refuse(const wire::LineSplitter::Line& line) const {
    throw Failure(ExitCode::io,
                  name_ + " line " + std::to_string(lines_done_ + 1) + " has " +
                      std::to_string(line.bytes) + " bytes, and the buffer holds " +
                      std::to_string(largest_payload_) +
                      ": the lines before it are accepted; start again with --buffer-size " +
                      std::to_string(line.bytes) + " or more");
}

}  // namespace drainpipe
