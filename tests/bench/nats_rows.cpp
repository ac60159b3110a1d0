#include "nats_rows.hpp"

#include <fstream>
#include <stdexcept>

#include "directory.hpp"
#include "nats_server.hpp"
#include "pipeline.hpp"
#include "redis_streams.hpp"
#include "stopwatch.hpp"

namespace drainpipe::bench {
namespace {

constexpr Target kBesideBare{.less_is_better = false, .at_least = 0.8, .aim = 1.0};
constexpr const char* kStream = "BENCH";

// One kind of message, and the runs that ours and the peers take in turns.
class Rows {
  public:
    Rows(const NatsServer& server, const std::string& programs, std::uint64_t messages,
         std::uint64_t bytes)
        : server_(server), programs_(programs), messages_(messages), bytes_(bytes) {
        std::ofstream file(directory_.file("lines"));
        const std::string line(bytes, 'x');
        for (std::uint64_t number = 0; number < messages; ++number) {
            file << line << '\n';
        }
    }

    // Thousands of messages a second, from the start of the program to the last acknowledgement.
    double source() const {
        return rate_from_stream([&] {
            Pipeline pipeline(programs_);
            pipeline.start({"--source", server_.url() + kStream + "/C", "--consumer",
                            programs_ + "/idle_consumer", "--log-events", "off"});
            server_.wait_until_acknowledged(kStream);
            pipeline.request_stop();
            pipeline.wait();
        });
    }
    double pull_loop() const {
        return rate_from_stream([&] {
            server_.pull(kStream, messages_);
            server_.wait_until_acknowledged(kStream);
        });
    }
    double redis_streams() const {
        return rate(read_redis_stream(directory_.path(), messages_, bytes_));
    }

    // From the start of the program until all are stored.
    double sink() const {
        return rate_into_stream([&] {
            Pipeline pipeline(programs_);
            pipeline.start({"--from", directory_.file("lines"), "--sink", server_.url() + kStream,
                            "--max-demand", std::to_string(NatsServer::kUnanswered), "--log-events",
                            "off"});
            pipeline.wait();
        });
    }
    double publish_loop(NatsServer::Ids ids) const {
        return rate_into_stream([&] { server_.publish(kStream, messages_, bytes_, ids); });
    }

  private:
    double rate(double seconds) const { return static_cast<double>(messages_) / seconds / 1e3; }

    template <typename Run>
    double rate_from_stream(Run run) const {
        server_.make_stream(kStream);
        server_.fill(kStream, messages_, bytes_);
        const Stopwatch watch;
        run();
        const double found = rate(watch.seconds());
        server_.remove_stream(kStream);
        return found;
    }
    template <typename Run>
    double rate_into_stream(Run run) const {
        server_.make_stream(kStream);
        const Stopwatch watch;
        run();
        const double found = rate(watch.seconds());
        if (server_.messages(kStream) != messages_) {
            throw std::runtime_error("the stream does not hold what was published");
        }
        server_.remove_stream(kStream);
        return found;
    }

    const NatsServer& server_;
    const std::string programs_;
    const std::uint64_t messages_;
    const std::uint64_t bytes_;
    const Directory directory_;
};

void print_size(Table& table, const NatsEffort& effort, const std::string& size, const Rows& rows) {
    Figure source;
    Figure pull_loop;
    Figure redis;
    Figure sink;
    Figure publish_loop;
    Figure publish_with_ids;
    for (int run = 0; run < effort.runs; ++run) {
        source.add(rows.source());
        pull_loop.add(rows.pull_loop());
        sink.add(rows.sink());
        publish_loop.add(rows.publish_loop(NatsServer::Ids::none));
        publish_with_ids.add(rows.publish_loop(NatsServer::Ids::each));
        if (const double found = rows.redis_streams(); found > 0) {
            redis.add(found);
        }
    }
    table.compare("source to done, " + size, "k/s", source, "libnats pull loop", pull_loop,
                  kBesideBare);
    table.state("  the same: Redis, XREADGROUP and XACK", "k/s", redis, "in memory alone");
    table.compare("from a file to the sink, " + size, "k/s", sink, "publish loop with ids",
                  publish_with_ids, kBesideBare);
    table.compare("from a file to the sink, " + size, "k/s", sink, "publish loop without",
                  publish_loop, kBesideBare);
}

}  // namespace

void print_nats(Table& table, const NatsEffort& effort, const std::string& programs) {
    table.section("NATS JetStream, on one machine with its server",
                  std::to_string(effort.messages) +
                      " messages; neither ours nor the loops do anything with what they get");
    if (!NatsServer::is_there()) {
        table.state("source to done", "k/s", Figure{}, "no nats-server, or no libnats");
        return;
    }
    const Directory directory;
    const NatsServer server(directory.path());
    print_size(table, effort, "64 B", Rows(server, programs, effort.messages, 64));
    print_size(table, effort, "1 KiB", Rows(server, programs, effort.messages, 1024));
}

}  // namespace drainpipe::bench
