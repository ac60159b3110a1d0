#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "connector.hpp"
#include "handles.hpp"

namespace drainpipe::nats::test {

// A client of a server under test, with which a test makes streams, fills them and looks into them.
// What fails fails the test.
class JetStream {
  public:
    // `url` is a sink's or a source's; its path does not matter.
    explicit JetStream(const std::string& url, const SecurityFiles& files = {});

    natsConnection* connection() const { return connection_.get(); }

    // The answer to a request to "$JS.API." + `what`.
    nlohmann::json ask(const std::string& what, const nlohmann::json& request = nullptr) const;

    // A stream of one subject with its name, a work queue unless `more` says otherwise.
    void make_stream(const std::string& name, const nlohmann::json& more = {}) const;
    // A durable pull consumer.
    void make_consumer(const std::string& stream, const std::string& name,
                       const nlohmann::json& more = {}) const;
    // Payloads "1" to "COUNT", filled up with spaces to `size`; each is stored when it returns.
    void publish(const std::string& subject, std::uint64_t count, std::size_t size = 0,
                 std::uint64_t first = 1) const;
    void publish_text(const std::string& subject, const std::string& payload) const;
    void publish_with_header(const std::string& subject, const std::string& name,
                             const std::string& value, const std::string& payload) const;

    nlohmann::json stream(const std::string& name) const { return ask("STREAM.INFO." + name); }
    nlohmann::json consumer(const std::string& stream, const std::string& name) const {
        return ask("CONSUMER.INFO." + stream + "." + name);
    }
    // Messages in a stream, and those that a consumer has given out and nobody has acknowledged.
    std::uint64_t messages(const std::string& stream_name) const;
    std::uint64_t ack_pending(const std::string& stream, const std::string& name) const;
    // The payloads in a stream, in its order.
    std::vector<std::string> payloads(const std::string& stream_name) const;

  private:
    ConnectionHandle connection_;
};

}  // namespace drainpipe::nats::test
