#include "watched_rows.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "drain.hpp"
#include "other_process.hpp"

namespace drainpipe::bench {
namespace {

constexpr std::size_t kClients = 1000;
constexpr std::chrono::milliseconds kBetweenBytes{100};
constexpr std::string_view kRequest = "GET /metrics HTTP/1.1\r\nX: ";

// A client that sends a request a byte at a time, never ends it, and comes again when it is cut.
class SlowClient {
  public:
    void go_on(std::uint16_t port) {
        if (socket_ < 0) {
            connect(port);
        }
        const bool is_going = ::send(socket_, "x", 1, MSG_NOSIGNAL) == 1 || errno == ENOTCONN;
        if (!is_going && errno != EAGAIN) {
            ::close(socket_);
            socket_ = -1;
        }
    }

  private:
    void connect(std::uint16_t port) {
        socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
            ::send(socket_, kRequest.data(), kRequest.size(), MSG_NOSIGNAL);
        }
    }

    int socket_ = -1;
};

// What they cost themselves is not to be measured, as far as that goes on the same machine.
[[noreturn]] void be_slow_clients(std::uint16_t port) {
    ::setpriority(PRIO_PROCESS, 0, 19);
    std::array<SlowClient, kClients> clients;
    while (true) {
        for (SlowClient& client : clients) {
            client.go_on(port);
        }
        std::this_thread::sleep_for(kBetweenBytes);
    }
}

// As `ready` says it.
std::uint16_t port_of(const Pipeline& pipeline) {
    constexpr std::string_view kBefore = " http=127.0.0.1:";
    std::ifstream log(pipeline.log());
    for (std::string line; std::getline(log, line);) {
        if (const auto at = line.find(kBefore); at != std::string::npos) {
            return static_cast<std::uint16_t>(std::stoi(line.substr(at + kBefore.size())));
        }
    }
    throw std::runtime_error("the launcher has not said where it serves HTTP");
}

double drain_rate(const std::string& programs, std::uint64_t events, bool is_watched) {
    std::vector<std::string> flags = room_for(events);
    if (is_watched) {
        flags.insert(flags.end(), {"--http", ":0"});
    }
    Pipeline pipeline(programs);
    pipeline.start(flags);
    if (!is_watched) {
        return static_cast<double>(events) / time_drain(pipeline, events) / 1e6;
    }
    const std::uint16_t port = port_of(pipeline);
    const OtherProcess clients([port] { be_slow_clients(port); });
    return static_cast<double>(events) / time_drain(pipeline, events) / 1e6;
}

}  // namespace

void print_watched(Table& table, const PipelineEffort& effort, const std::string& programs) {
    Figure watched;
    Figure alone;
    for (int run = 0; run < effort.runs; ++run) {
        watched.add(drain_rate(programs, effort.events, true));
        alone.add(drain_rate(programs, effort.events, false));
    }
    table.section("A drain that is looked at",
                  std::to_string(kClients) + " clients that never end their requests");
    table.compare("drain with --http and slow clients", "M/s", watched, "the same, nobody looks",
                  alone, {false, 0.95, 1.0});
}

}  // namespace drainpipe::bench
