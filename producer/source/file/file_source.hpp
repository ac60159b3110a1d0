#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "descriptor.hpp"
#include "line_splitter.hpp"
#include "source.hpp"

namespace drainpipe {

// The lines of a file or of a pipe, in order, each an event; the last one with or without its
// newline. It is read a block at a time, so that memory stays flat whatever its size. What is a
// block ahead of the ring is read again by the next producer where it is a file, and lost with this
// one where it is a pipe.
class FileSource final : public Source {
  public:
    struct Options {
        Descriptor file;                // to be read from where it stands
        std::string name;               // in messages
        std::uint64_t accepted;         // so many of its lines are in the ring: they are skipped
        std::uint64_t largest_payload;  // that is accepted, in bytes
        bool has_ended;                 // all of it is in the ring: nothing is read
        // Called once, when all lines are in the ring: so many, with those that were skipped.
        std::function<void(std::uint64_t lines)> on_end;
    };

    explicit FileSource(Options options);

    // -1 when all lines are in the ring.
    int wait_fd() const override { return has_ended_ ? -1 : file_.get(); }

    // Accepts, or skips, the lines of the next block. Throws Failure, after the lines before it
    // were accepted: io where a line is too long or the file can't be read, cannot_create where it
    // has fewer lines than are to be skipped.
    void serve(Acceptor& acceptor) override;

    // There is nobody to tell.
    void end(Ending /*ending*/) override {}

  private:
    static constexpr std::size_t kBlockBytes = 256 * 1024;

    bool is_readable() const;
    void end_of_file(Acceptor& acceptor);
    // What is behind the lines that are to be skipped.
    std::string_view skip(std::string_view bytes);
    // False where nothing is accepted any more.
    bool take_in(std::string_view bytes, Acceptor& acceptor);
    [[noreturn]] void refuse(const wire::LineSplitter::Line& line) const;

    Descriptor file_;
    std::string name_;
    std::uint64_t largest_payload_;
    std::function<void(std::uint64_t)> on_end_;
    wire::LineSplitter splitter_;
    std::uint64_t to_skip_;
    std::uint64_t lines_done_ = 0;  // skipped or accepted
    bool is_line_open_ = false;     // the last byte that was read was not a newline
    bool has_ended_;
    std::vector<char> block_;
    std::vector<wire::LineSplitter::Line> lines_;
    std::vector<std::string_view> payloads_;
};

}  // namespace drainpipe
