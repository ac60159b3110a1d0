#pragma once

#include <cstdint>
#include <string>

namespace drainpipe::bench {

// Seconds that spdlog's basic_file_sink_st takes for the records of a drain of `count` numbers,
// with our pattern: built, written and flushed, and nothing else done. Checks every record.
double write_with_spdlog(const std::string& path, std::uint64_t count);

// Seconds that a Redis server takes to move `count` numbers as a list from one client to another
// over loopback, both pipelined: until the last was received and checked. The server is started for
// it and ended with it. Negative where that is not built, or there is no redis-server.
double move_with_redis(const std::string& directory, std::uint64_t count);

}  // namespace drainpipe::bench
