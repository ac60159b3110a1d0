#include "jet_stream.hpp"

#include <doctest/doctest.h>

#include "harness/await.hpp"

namespace drainpipe::nats::test {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t kAnswerTimeout = 5000;

}  // namespace

JetStream::JetStream(const std::string& url, const SecurityFiles& files) {
    Connector connector(NatsUrl::of_sink(url), files, "test");
    std::string reason;
    const bool is_connected = harness::await([&] {
        ConnectResult result = connector.try_connect();
        reason = result.reason;
        connection_ = std::move(result.connection);
        return connection_ != nullptr;
    });
    CAPTURE(reason);
    REQUIRE(is_connected);
}

Json JetStream::ask(const std::string& what, const Json& request) const {
    const std::string subject = "$JS.API." + what;
    const std::string text = request.is_null() ? "" : request.dump();
    natsMsg* answer = nullptr;
    const natsStatus status = natsConnection_RequestString(
        &answer, connection_.get(), subject.c_str(), text.c_str(), kAnswerTimeout);
    CAPTURE(subject);
    CAPTURE(natsStatus_GetText(status));
    REQUIRE(status == NATS_OK);
    const MessageHandle handle(answer);
    return Json::parse(data_of(answer));
}

void JetStream::make_stream(const std::string& name, const Json& more) const {
    Json config{{"name", name},
                {"subjects", {name, name + ".>"}},
                {"retention", "workqueue"},
                {"storage", "file"},
                {"num_replicas", 1}};
    config.update(more.is_null() ? Json::object() : more);
    const Json answer = ask("STREAM.CREATE." + name, config);
    CAPTURE(answer.dump());
    REQUIRE_FALSE(answer.contains("error"));
}

void JetStream::make_consumer(const std::string& stream, const std::string& name,
                              const Json& more) const {
    Json config{{"durable_name", name}, {"ack_policy", "explicit"}};
    config.update(more.is_null() ? Json::object() : more);
    const Json answer = ask("CONSUMER.DURABLE.CREATE." + stream + "." + name,
                            {{"stream_name", stream}, {"config", config}});
    CAPTURE(answer.dump());
    REQUIRE_FALSE(answer.contains("error"));
}

void JetStream::publish(const std::string& subject, std::uint64_t count, std::size_t size,
                        std::uint64_t first) const {
    jsCtx* context = nullptr;
    REQUIRE(natsConnection_JetStream(&context, connection_.get(), nullptr) == NATS_OK);
    for (std::uint64_t i = first; i < first + count; ++i) {
        std::string payload = std::to_string(i);
        payload.resize(std::max(size, payload.size()), ' ');
        natsStatus status = NATS_OK;
        do {
            status = js_PublishAsync(context, subject.c_str(), payload.data(),
                                     static_cast<int>(payload.size()), nullptr);
        } while (status == NATS_TIMEOUT);
        REQUIRE(status == NATS_OK);
    }
    jsPubOptions options;
    jsPubOptions_Init(&options);
    options.MaxWait = 60'000;
    CHECK(js_PublishAsyncComplete(context, &options) == NATS_OK);
    jsCtx_Destroy(context);
}

void JetStream::publish_text(const std::string& subject, const std::string& payload) const {
    natsMsg* answer = nullptr;
    REQUIRE(natsConnection_Request(&answer, connection_.get(), subject.c_str(), payload.data(),
                                   static_cast<int>(payload.size()), kAnswerTimeout) == NATS_OK);
    const MessageHandle handle(answer);
    REQUIRE_FALSE(Json::parse(data_of(answer)).contains("error"));
}

void JetStream::publish_with_header(const std::string& subject, const std::string& name,
                                    const std::string& value, const std::string& payload) const {
    natsMsg* made = nullptr;
    REQUIRE(natsMsg_Create(&made, subject.c_str(), nullptr, payload.data(),
                           static_cast<int>(payload.size())) == NATS_OK);
    const MessageHandle message(made);
    REQUIRE(natsMsgHeader_Set(made, name.c_str(), value.c_str()) == NATS_OK);
    natsMsg* answer = nullptr;
    REQUIRE(natsConnection_RequestMsg(&answer, connection_.get(), made, kAnswerTimeout) == NATS_OK);
    const MessageHandle handle(answer);
    REQUIRE_FALSE(Json::parse(data_of(answer)).contains("error"));
}

std::uint64_t JetStream::messages(const std::string& stream_name) const {
    return stream(stream_name)["state"]["messages"];
}

std::uint64_t JetStream::ack_pending(const std::string& stream_name,
                                     const std::string& name) const {
    return consumer(stream_name, name)["num_ack_pending"];
}

std::vector<std::string> JetStream::payloads(const std::string& stream_name) const {
    const Json state = stream(stream_name)["state"];
    std::vector<std::string> all;
    jsCtx* context = nullptr;
    REQUIRE(natsConnection_JetStream(&context, connection_.get(), nullptr) == NATS_OK);
    for (std::uint64_t i = state["first_seq"]; i <= state["last_seq"].get<std::uint64_t>(); ++i) {
        natsMsg* message = nullptr;
        if (js_GetMsg(&message, context, stream_name.c_str(), i, nullptr, nullptr) == NATS_OK) {
            const MessageHandle handle(message);
            all.emplace_back(data_of(message));
        }
    }
    jsCtx_Destroy(context);
    return all;
}

}  // namespace drainpipe::nats::test
