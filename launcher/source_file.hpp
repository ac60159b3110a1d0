#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "descriptor.hpp"
#include "file_progress.hpp"

namespace drainpipe {

// The file that a pipeline's events come from, as the launcher sees it: which one it is, and how
// many lines it has. It is the producer that takes them in.
class SourceFile {
  public:
    // Throws Failure: cannot_create where no regular file is there, no_permission where it can't be
    // read.
    explicit SourceFile(std::filesystem::path path);

    const std::filesystem::path& path() const { return path_; }
    const FileIdentity& identity() const { return identity_; }

    // False where it has fewer lines than that. Of a file so large that it can't be told at once
    // this is not said: the producer finds it out.
    bool may_have_lines(std::uint64_t lines);

    // Reads on from where it was, about so many bytes, and counts the lines.
    void count(std::uint64_t bytes);
    bool is_counted() const { return is_counted_; }
    // That were counted so far, a last one without a newline as well.
    std::uint64_t lines() const { return newlines_ + (is_line_open_ ? 1 : 0); }

  private:
    std::filesystem::path path_;
    Descriptor file_;
    FileIdentity identity_{};
    std::uint64_t newlines_ = 0;
    bool is_line_open_ = false;
    bool is_counted_ = false;
    std::vector<char> block_;
};

}  // namespace drainpipe
