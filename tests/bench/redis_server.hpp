#pragma once

#include <hiredis/hiredis.h>

#include <cstdint>
#include <memory>
#include <string>

#include "other_process.hpp"

namespace drainpipe::bench {

using RedisConnection = std::unique_ptr<redisContext, decltype(&redisFree)>;
using RedisReply = std::unique_ptr<redisReply, decltype(&freeReplyObject)>;

// Of a command that was appended. Throws where the server does not answer, or with an error.
RedisReply reply_of(redisContext& connection);

// A Redis server on the loopback address that keeps all in memory.
class RedisServer {
  public:
    explicit RedisServer(const std::string& directory);

    // An empty pointer where nobody answers within 5 s: there is no server to run.
    RedisConnection connect() const;

  private:
    std::uint16_t port_;
    OtherProcess process_;
};

}  // namespace drainpipe::bench
