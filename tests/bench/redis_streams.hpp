#pragma once

#include <cstdint>
#include <string>

namespace drainpipe::bench {

// Seconds that one client of a group takes to read and acknowledge `count` entries of a Redis
// stream with so many bytes each, a thousand at a time, one such read on its way while the last is
// acknowledged: XREADGROUP, XACK. The server is started for it, has all in memory, and is ended
// with it. Negative where that is not built, or there is no redis-server.
double read_redis_stream(const std::string& directory, std::uint64_t count, std::uint64_t bytes);

}  // namespace drainpipe::bench
