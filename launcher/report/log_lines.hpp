#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include "descriptor.hpp"

namespace drainpipe {

// The lines of a log, one after the other, in the same little memory however long the log and its
// lines are.
class LogLines {
  public:
    // A file is read as far as it goes now, so that one that is being written has an end; a pipe
    // until its writers are gone. Throws Failure: unavailable where there is no such file,
    // no_permission, io.
    explicit LogLines(const std::filesystem::path& path);

    struct Line {
        std::string_view text;  // without its newline; valid until the next call
        bool is_whole;          // has a newline, and is not too long for a record; else no text
    };
    // Nothing at the end. Throws Failure(io) where the file can't be read.
    std::optional<Line> next();

  private:
    void make_room();
    bool read_more();
    std::optional<Line> last_line();

    std::filesystem::path path_;
    Descriptor file_;
    std::vector<char> buffer_;
    std::size_t begin_ = 0;  // of what was read and is not yet a line
    std::size_t end_ = 0;
    std::uint64_t unread_;         // bytes of the file
    bool is_within_line_ = false;  // of a line too long, whose beginning is gone
};

}  // namespace drainpipe
