#pragma once

#include <cstdint>
#include <string_view>

#include "captured_output.hpp"

namespace drainpipe {

// Where what the work on each event has written goes. To be told before the event is told to be
// done.
class Results {
  public:
    virtual ~Results() = default;

    // All that a command has written for it, or for a batch that begins with it.
    virtual void add(std::uint64_t id, CapturedOutput& output) = 0;
    // The line, without a newline, that a worker has answered for it with.
    virtual void add_line(std::uint64_t id, std::string_view line) = 0;
    // No more follow for now.
    virtual void flush() = 0;
};

}  // namespace drainpipe
