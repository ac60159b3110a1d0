#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace drainpipe {

// Where enqueue's payloads come from, as bytes for the wire: each payload with its newline.
class PayloadSource {
  public:
    virtual ~PayloadSource() = default;

    // Appends a block of bytes; false when there are no more.
    virtual bool fill(std::string& block) = 0;

    // What to wait for before fill() has something; -1 when it always has.
    virtual int fd() const = 0;

    // The intake will never take the payload of that number, from 1. It is told before it takes any
    // of those that follow.
    virtual void refused([[maybe_unused]] std::uint64_t number) {}

    // How many payloads there will be, 0 when that is not known.
    virtual std::uint64_t total() const = 0;
};

// The numbers 1 to `last`.
std::unique_ptr<PayloadSource> numbers_up_to(std::uint64_t last);

// The lines of a descriptor, the last one with or without its newline. fill() throws Failure(io)
// when it can't be read.
std::unique_ptr<PayloadSource> lines_of(int fd);

}  // namespace drainpipe
