#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "delivery.hpp"
#include "ring_writer.hpp"
#include "transport.hpp"

namespace drainpipe::bench {

// What a side does when it has nothing to do: look again at once, look again when a batch may have
// built up, or sleep on the ring's event count.
enum class Waiting { spinning, gathering, sleeping };

// Ours: a segment as the launcher makes it, and the two ends of its ring as the stages use them.
// Events are of variable size to it; every one is marked as begun before the check and committed
// after it.
class RingTransport : public Transport {
  public:
    RingTransport(const Load& load, Waiting waiting);
    ~RingTransport() override;

    void open_sender() override;
    void open_receiver() override;
    void send(const char* events, std::size_t count) override;
    void receive(SequenceCheck& check) override;

  private:
    void wait_for_room();
    bool has_events() const;
    Delivery::Chunk next_chunk();
    void commit();

    Load load_;
    Waiting waiting_;
    std::string name_;
    Segment segment_;
    std::unique_ptr<RingWriter> writer_;
    std::vector<std::string_view> payloads_;  // of the send at hand
    std::unique_ptr<Delivery> reader_;
    std::uint64_t pushed_ = 0;
    std::uint64_t taken_ = 0;
    std::uint64_t done_ = 0;  // not committed yet
};

}  // namespace drainpipe::bench
