#include "line_writers.hpp"

#ifndef DRAINPIPE_BENCH_REDIS

namespace drainpipe::bench {

double move_with_redis(const std::string&, std::uint64_t) { return -1; }

}  // namespace drainpipe::bench

#else

#include <arpa/inet.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <thread>

#include "other_process.hpp"
#include "stopwatch.hpp"

namespace drainpipe::bench {
namespace {

constexpr const char* kHost = "127.0.0.1";
constexpr std::uint64_t kPipelined = 1000;  // commands under way

using Connection = std::unique_ptr<redisContext, decltype(&redisFree)>;
using Reply = std::unique_ptr<redisReply, decltype(&freeReplyObject)>;

int free_port() {
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    ::inet_pton(AF_INET, kHost, &address.sin_addr);
    socklen_t length = sizeof address;
    ::bind(listener, reinterpret_cast<sockaddr*>(&address), length);
    ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length);
    ::close(listener);
    return ntohs(address.sin_port);
}

void run_server(int port, const std::string& directory) {
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

// An empty pointer where nobody answers within 5 s.
Connection connect(int port) {
    for (int tries = 0; tries < 500; ++tries) {
        Connection connection(redisConnect(kHost, port), &redisFree);
        if (connection && connection->err == 0) {
            return connection;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return {nullptr, &redisFree};
}

Reply reply_of(redisContext& connection) {
    void* reply = nullptr;
    if (redisGetReply(&connection, &reply) != REDIS_OK || reply == nullptr) {
        throw std::runtime_error("Redis does not answer");
    }
    return {static_cast<redisReply*>(reply), &freeReplyObject};
}

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
            const Reply reply = reply_of(connection);
            if (reply->elements != 2 || reply->element[1]->str != std::to_string(done + 1)) {
                throw std::runtime_error("Redis lost count at " + std::to_string(done + 1));
            }
        }
    }
}

}  // namespace

double move_with_redis(const std::string& directory, std::uint64_t count) {
    const int port = free_port();
    const OtherProcess server([&] { run_server(port, directory); });
    const Connection receiver = connect(port);
    if (!receiver) {
        return -1;
    }
    const Stopwatch watch;
    OtherProcess sender([&] {
        const Connection connection = connect(port);
        push_all(*connection, count);
    });
    pop_all(*receiver, count);
    const double seconds = watch.seconds();
    sender.wait();
    return seconds;
}

}  // namespace drainpipe::bench

#endif
