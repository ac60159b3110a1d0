#pragma once

#include <string>
#include <string_view>

namespace drainpipe {

// What a process writes to its standard error: each line goes on to this process's own, with a
// label before it, and the end of it is kept. A reader that does not read is waited for, but not
// for long, and then not again until it reads: lines are dropped then.
class ErrorLines {
  public:
    // How much of the end is kept.
    static constexpr std::size_t kKept = 4096;
    // A line is cut here, where none ends.
    static constexpr std::size_t kLongestLine = 8192;

    void add(std::string_view bytes, std::string_view label);
    // No more comes: what stands there without a newline is a line.
    void end(std::string_view label);

    // The end of what was added since the last clear().
    std::string_view last() const;
    void clear();

  private:
    void put_out(std::string_view label);

    std::string line_;
    std::string kept_;
    bool is_stuck_ = false;  // the reader has not read for long
};

}  // namespace drainpipe
