#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace drainpipe::wire {

// Cuts a stream of bytes into the payloads between its newlines. Keeps at most one unfinished
// payload, of at most `longest` bytes; a longer one is passed over and only its size is counted.
class LineSplitter {
  public:
    explicit LineSplitter(std::uint64_t longest) : longest_(longest) {}

    struct Line {
        std::string_view payload;  // empty where it is too long
        std::uint64_t bytes;       // how long it is
        bool is_too_long;
    };

    // Appends the lines that `bytes` completes to `lines`. They are valid until the next call, and
    // as long as `bytes` is.
    void split(std::string_view bytes, std::vector<Line>& lines);

    // Frees the room of a long line once the lines of the last call are done with.
    void release();

    // Bytes of the unfinished payload that are kept.
    std::size_t kept() const { return unfinished_.size(); }

  private:
    void keep(std::string_view bytes);

    std::uint64_t longest_;
    std::string finished_;  // the line that began before the last bytes came
    std::string unfinished_;
    std::uint64_t passed_over_ = 0;  // bytes of an unfinished line that is too long
};

}  // namespace drainpipe::wire
