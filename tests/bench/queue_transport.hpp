#pragma once

#include <mqueue.h>

#include <boost/interprocess/ipc/message_queue.hpp>
#include <memory>
#include <string>
#include <vector>

#include "transport.hpp"

namespace drainpipe::bench {

// boost::interprocess::message_queue: a lock, two conditions and a copy on each side.
class BoostQueueTransport : public Transport {
  public:
    explicit BoostQueueTransport(const Load& load);
    ~BoostQueueTransport() override;

    void send(const char* events, std::size_t count) override;
    void receive(SequenceCheck& check) override;

  private:
    Load load_;
    std::unique_ptr<boost::interprocess::message_queue> queue_;
    std::vector<char> received_;
};

// A POSIX message queue with the ten messages that the system allows.
class PosixQueueTransport : public Transport {
  public:
    explicit PosixQueueTransport(const Load& load);
    ~PosixQueueTransport() override;

    void send(const char* events, std::size_t count) override;
    void receive(SequenceCheck& check) override;

  private:
    Load load_;
    mqd_t queue_;
    std::vector<char> received_;
};

}  // namespace drainpipe::bench
