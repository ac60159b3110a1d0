#pragma once

#include <string>
#include <vector>

#include "transport.hpp"

namespace drainpipe::bench {

// ZeroMQ's PUSH and PULL over a Unix socket: one message to an event, any number under way.
class ZmqTransport : public Transport {
  public:
    ZmqTransport(const Load& load, const std::string& directory);
    ~ZmqTransport() override;

    void open_sender() override;
    void open_receiver() override;
    void send(const char* events, std::size_t count) override;
    void receive(SequenceCheck& check) override;

  private:
    Load load_;
    std::string address_;
    void* context_ = nullptr;
    void* socket_ = nullptr;
    std::vector<char> received_;
};

}  // namespace drainpipe::bench
