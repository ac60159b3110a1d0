#pragma once

#include <string_view>

namespace drainpipe {

// Where lines go that a work puts out.
class LineOutput {
  public:
    virtual ~LineOutput() = default;

    // Writes whole lines. Throws Failure(io) where they can't be written.
    virtual void write(std::string_view lines) = 0;
};

}  // namespace drainpipe
