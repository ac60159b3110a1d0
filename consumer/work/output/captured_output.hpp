#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "descriptor.hpp"
#include "output.hpp"

namespace drainpipe {

// What a process writes to its standard output, kept until it is known whether it counts. Of any
// size: behind the first mebibyte it is in a temporary file that has no name.
class CapturedOutput {
  public:
    static constexpr std::size_t kInMemory = std::size_t{1} << 20;

    // Throws std::system_error where it can't be kept (a full disk).
    void add(std::string_view bytes);
    // Puts it out, whole.
    void write_to(Output& output);
    // Takes it, as bytes. Throws where it can't be read or is too large for memory.
    std::string take_text();
    void clear();

  private:
    void write_to_file(std::string_view bytes);

    std::string memory_;
    Descriptor file_;
    off_t in_file_ = 0;
};

}  // namespace drainpipe
