#pragma once

#include <cstdint>
#include <string>

#include "other_process.hpp"

namespace drainpipe::bench {

// A nats-server with JetStream for the measurements, on the loopback address with its store in a
// directory, and what a bare client of libnats does there. Each call is a process of its own, so
// that none of its threads is about when something else is forked.
class NatsServer {
  public:
    // Published and not yet stored, at most, by whoever publishes: what NATS's Go client defaults
    // to.
    static constexpr int kUnanswered = 4000;

    // Whether there is one to run, and libnats was built in.
    static bool is_there();

    // Requires is_there(). Returns when it can be asked.
    explicit NatsServer(const std::string& directory);

    // "nats://127.0.0.1:PORT/"
    const std::string& url() const { return url_; }

    // A work queue of that name and subject, kept in files, with a consumer C; nothing is in it.
    void make_stream(const std::string& name) const;
    void remove_stream(const std::string& name) const;
    // Messages of so many bytes.
    void fill(const std::string& stream, std::uint64_t count, std::uint64_t bytes) const;
    // Until the consumer has had all of them, and has each acknowledged.
    void wait_until_acknowledged(const std::string& stream) const;
    std::uint64_t messages(const std::string& stream) const;

    // The peers. Fetches and acknowledges, and does nothing else, until it had so many.
    void pull(const std::string& stream, std::uint64_t count) const;
    // Publishes so many, each with an id or none; returns when all are stored.
    enum class Ids { none, each };
    void publish(const std::string& stream, std::uint64_t count, std::uint64_t bytes,
                 Ids ids) const;

  private:
    std::uint16_t port_;
    std::string url_;
    OtherProcess server_;
};

}  // namespace drainpipe::bench
