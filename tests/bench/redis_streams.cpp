#include "redis_streams.hpp"

#ifndef DRAINPIPE_BENCH_REDIS

namespace drainpipe::bench {

double read_redis_stream(const std::string&, std::uint64_t, std::uint64_t) { return -1; }

}  // namespace drainpipe::bench

#else

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "redis_server.hpp"
#include "stopwatch.hpp"

namespace drainpipe::bench {
namespace {

constexpr std::uint64_t kAtOnce = 1000;

void add_all(redisContext& connection, std::uint64_t count, std::uint64_t bytes) {
    const std::string payload(bytes, 'x');
    for (std::uint64_t done = 0; done < count;) {
        const std::uint64_t last = std::min(count, done + kAtOnce);
        for (std::uint64_t number = done; number < last; ++number) {
            redisAppendCommand(&connection, "XADD events * p %b", payload.data(), payload.size());
        }
        for (; done < last; ++done) {
            reply_of(connection);
        }
    }
}

void ask_for_more(redisContext& connection) {
    redisAppendCommand(&connection, "XREADGROUP GROUP g c COUNT %llu STREAMS events >",
                       static_cast<unsigned long long>(kAtOnce));
}

// [[stream, [[id, fields], ...]]]
void acknowledge(redisContext& connection, const redisReply& entries) {
    std::vector<const char*> words{"XACK", "events", "g"};
    for (std::size_t index = 0; index < entries.elements; ++index) {
        words.push_back(entries.element[index]->element[0]->str);
    }
    redisAppendCommandArgv(&connection, static_cast<int>(words.size()), words.data(), nullptr);
}

}  // namespace

double read_redis_stream(const std::string& directory, std::uint64_t count, std::uint64_t bytes) {
    const RedisServer server(directory);
    const RedisConnection connection = server.connect();
    if (!connection) {
        return -1;
    }
    add_all(*connection, count, bytes);
    redisAppendCommand(connection.get(), "XGROUP CREATE events g 0");
    reply_of(*connection);
    const Stopwatch watch;
    ask_for_more(*connection);
    for (std::uint64_t done = 0; done < count;) {
        const RedisReply reply = reply_of(*connection);
        if (reply->elements != 1) {
            throw std::runtime_error("Redis lost entries after " + std::to_string(done));
        }
        const redisReply& entries = *reply->element[0]->element[1];
        acknowledge(*connection, entries);
        ask_for_more(*connection);
        reply_of(*connection);
        done += entries.elements;
    }
    return watch.seconds();
}

}  // namespace drainpipe::bench

#endif
