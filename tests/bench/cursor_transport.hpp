#pragma once

#include <atomic>
#include <cstdint>

#include "shared_object.hpp"
#include "transport.hpp"

namespace drainpipe::bench {

// The ceiling: a block is copied in on one core and read in place on the other, with nothing but a
// cursor of each side between them. Events of one size, no lock, no sleep.
class CursorTransport : public Transport {
  public:
    explicit CursorTransport(const Load& load);

    void send(const char* events, std::size_t count) override;
    void receive(SequenceCheck& check) override;

  private:
    struct Cursors {
        alignas(64) std::atomic<std::uint64_t> sent{0};
        alignas(64) std::atomic<std::uint64_t> received{0};
    };

    Load load_;
    SharedObject<Cursors> cursors_;
    std::uint64_t received_seen_ = 0;
};

}  // namespace drainpipe::bench
