#include "line_writers.hpp"

#ifndef DRAINPIPE_BENCH_REDIS

namespace drainpipe::bench {

double move_with_redis(const std::string&, std::uint64_t) { return -1; }

}  // namespace drainpipe::bench

#else

#include <algorithm>
#include <stdexcept>

#include "other_process.hpp"
#include "redis_server.hpp"
#include "stopwatch.hpp"

namespace drainpipe::bench {
namespace {

constexpr std::uint64_t kPipelined = 1000;  // commands under way

void push_all(redisContext& connection, std::uint64_t count) {
    for (std::uint64_t done = 0; done < count;) {
        const std::uint64_t last = std::min(count, done + kPipelined);
        for (std::uint64_t number = done + 1; number <= last; ++number) {
            const std::string line = std::to_string(number);
            redisAppendCommand(&connection, "LPUSH events %b", line.data(), line.size());
        }
        for (; done < last; ++done) {
            reply_of(connection);
        }
    }
}

void pop_all(redisContext& connection, std::uint64_t count) {
    for (std::uint64_t done = 0; done < count;) {
        const std::uint64_t last = std::min(count, done + kPipelined);
        for (std::uint64_t number = done; number < last; ++number) {
            redisAppendCommand(&connection, "BRPOP events 0");
        }
        for (; done < last; ++done) {
            const RedisReply reply = reply_of(connection);
            if (reply->elements != 2 || reply->element[1]->str != std::to_string(done + 1)) {
                throw std::runtime_error("Redis lost count at " + std::to_string(done + 1));
            }
        }
    }
}

}  // namespace

double move_with_redis(const std::string& directory, std::uint64_t count) {
    const RedisServer server(directory);
    const RedisConnection receiver = server.connect();
    if (!receiver) {
        return -1;
    }
    const Stopwatch watch;
    OtherProcess sender([&] {
        const RedisConnection connection = server.connect();
        push_all(*connection, count);
    });
    pop_all(*receiver, count);
    const double seconds = watch.seconds();
    sender.wait();
    return seconds;
}

}  // namespace drainpipe::bench

#endif
