#ifdef DRAINPIPE_BENCH_REDIS

#include "redis_server.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <stdexcept>
#include <thread>

#include "free_port.hpp"

namespace drainpipe::bench {
namespace {

constexpr const char* kHost = "127.0.0.1";

void run_server(std::uint16_t port, const std::string& directory) {
    const int nowhere = ::open("/dev/null", O_RDWR);
    ::dup2(nowhere, STDOUT_FILENO);
    ::dup2(nowhere, STDERR_FILENO);
    // The server of the package redis-tools, under the name by which it knows what it is to be:
    // redis-server is but a link to it, in a package that would start a service.
    ::execlp("redis-check-rdb", "redis-server", "--bind", kHost, "--port",
             std::to_string(port).c_str(), "--save", "", "--appendonly", "no", "--daemonize", "no",
             "--dir", directory.c_str(), nullptr);
    throw std::runtime_error("cannot run the server of redis-tools");
}

}  // namespace

RedisReply reply_of(redisContext& connection) {
    void* reply = nullptr;
    if (redisGetReply(&connection, &reply) != REDIS_OK || reply == nullptr) {
        throw std::runtime_error("Redis does not answer");
    }
    RedisReply found(static_cast<redisReply*>(reply), &freeReplyObject);
    if (found->type == REDIS_REPLY_ERROR) {
        throw std::runtime_error("Redis: " + std::string(found->str));
    }
    return found;
}

RedisServer::RedisServer(const std::string& directory)
    : port_(free_port()), process_([&] { run_server(port_, directory); }) {}

RedisConnection RedisServer::connect() const {
    for (int tries = 0; tries < 500; ++tries) {
        RedisConnection connection(redisConnect(kHost, port_), &redisFree);
        if (connection && connection->err == 0) {
            return connection;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return {nullptr, &redisFree};
}

}  // namespace drainpipe::bench

#endif
