#include "line_splitter.hpp"

#include <cstring>

namespace drainpipe::wire {
namespace {

// A client that sent one long line does not hold its room for ever.
constexpr std::size_t kMaxIdle = 256 * 1024;

}  // namespace

void LineSplitter::keep(std::string_view bytes) {
    if (passed_over_ == 0 && unfinished_.size() + bytes.size() <= longest_) {
        unfinished_ += bytes;
    } else {
        passed_over_ += unfinished_.size() + bytes.size();
        unfinished_ = std::string();
    }
}

void LineSplitter::release() {
    if (finished_.capacity() > kMaxIdle) {
        finished_ = std::string();
    }
}

void LineSplitter::split(std::string_view bytes, std::vector<Line>& lines) {
    const char* position = bytes.data();
    const char* const end = position + bytes.size();
    while (position < end) {
        const auto* const newline = static_cast<const char*>(
            std::memchr(position, '\n', static_cast<std::size_t>(end - position)));
        if (!newline) {
            keep({position, static_cast<std::size_t>(end - position)});
            return;
        }
        std::string_view payload(position, static_cast<std::size_t>(newline - position));
        position = newline + 1;
        // Only the first line of a call can have begun in an earlier one.
        if (!unfinished_.empty() || passed_over_ > 0) {
            keep(payload);
            finished_ = std::move(unfinished_);
            unfinished_.clear();
            payload = finished_;
        }
        const std::uint64_t size = passed_over_ > 0 ? passed_over_ : payload.size();
        passed_over_ = 0;
        const bool is_too_long = size > longest_;
        lines.push_back({is_too_long ? std::string_view() : payload, size, is_too_long});
    }
}

}  // namespace drainpipe::wire
