#pragma once

#include <array>
#include <vector>

#include "transport.hpp"

namespace drainpipe::bench {

// A stream of the kernel: a pipe or a pair of connected Unix sockets. Events of one size, sent in
// writes of 4 KiB, or one by one where the batch is one.
class StreamTransport : public Transport {
  public:
    enum class Kind { pipe, unix_socket };

    StreamTransport(Kind kind, const Load& load);
    ~StreamTransport() override;

    void send(const char* events, std::size_t count) override;
    void receive(SequenceCheck& check) override;

  private:
    Load load_;
    std::array<int, 2> ends_;  // read, write
    std::vector<char> received_;
    std::size_t unfinished_ = 0;  // bytes of an event that came in part
};

}  // namespace drainpipe::bench
