#include "jet_stream_api.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace drainpipe::nats {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t kApiTimeout = 5000;  // milliseconds
const std::string kApi = "$JS.API.";

struct Answer {
    std::optional<ApiError> error;
    Json json;
};

Answer read_answer(std::string_view text) {
    Answer answer;
    answer.json = Json::parse(text, nullptr, false);
    if (!answer.json.is_object()) {
        answer.error = ApiError{.code = 0, .number = 0, .description = "its answer is no JSON"};
    } else if (answer.json.contains("error")) {
        const Json& error = answer.json["error"];
        answer.error = ApiError{.code = error.value("code", 500),
                                .number = error.value("err_code", 0),
                                .description = error.value("description", "unknown error")};
    }
    return answer;
}

Answer ask_api(natsConnection* connection, const std::string& subject, const std::string& request) {
    natsMsg* message = nullptr;
    const natsStatus status = natsConnection_RequestString(&message, connection, subject.c_str(),
                                                           request.c_str(), kApiTimeout);
    const MessageHandle handle(message);
    if (status != NATS_OK) {
        const char* const why =
            status == NATS_NO_RESPONDERS
                ? "JetStream does not answer there: it is not enabled, or not yet"
            : status == NATS_TIMEOUT ? "JetStream does not answer, or may not be asked by this user"
                                     : natsStatus_GetText(status);
        return {.error = ApiError{.code = 0, .number = 0, .description = why}, .json = {}};
    }
    return read_answer(data_of(message));
}

std::chrono::nanoseconds shortest_ack_wait(const Json& config) {
    std::int64_t shortest = config.value("ack_wait", std::int64_t{30'000'000'000});
    if (const auto backoff = config.find("backoff"); backoff != config.end()) {
        for (const Json& wait : *backoff) {
            shortest = std::min(shortest, wait.get<std::int64_t>());
        }
    }
    return std::chrono::nanoseconds(shortest);
}

std::uint64_t limit_of(const Json& config, const char* name) {
    return static_cast<std::uint64_t>(
        std::max(config.value(name, std::int64_t{0}), std::int64_t{0}));
}

ConsumerInfo consumer_info_of(const Answer& answer) {
    ConsumerInfo info;
    info.error = answer.error;
    if (info.error) {
        return info;
    }
    try {
        const Json& config = answer.json.at("config");
        info.created = answer.json.at("created");
        info.is_pull = config.value("deliver_subject", "").empty();
        info.is_explicit = config.value("ack_policy", "") == "explicit";
        info.ack_wait = shortest_ack_wait(config);
        info.pending = answer.json.value("num_pending", std::uint64_t{0});
        info.ack_pending = answer.json.value("num_ack_pending", std::uint64_t{0});
        info.max_batch = limit_of(config, "max_batch");
        info.max_bytes = limit_of(config, "max_bytes");
        info.max_expires = std::chrono::nanoseconds(config.value("max_expires", std::int64_t{0}));
    } catch (const Json::exception& error) {
        info.error =
            ApiError{.code = 0,
                     .number = 0,
                     .description = std::string("its answer is not understood: ") + error.what()};
    }
    return info;
}

}  // namespace

StreamInfo ask_stream(natsConnection* connection, const std::string& stream) {
    const Answer answer = ask_api(connection, kApi + "STREAM.INFO." + stream, "");
    StreamInfo info;
    info.error = answer.error;
    if (const auto config = answer.json.find("config");
        !info.error && config != answer.json.end()) {
        info.is_work_queue = config->value("retention", "") == "workqueue";
    }
    if (const auto state = answer.json.find("state"); state != answer.json.end()) {
        info.last_sequence = state->value("last_seq", std::uint64_t{0});
    }
    return info;
}

std::string consumer_info_subject(const std::string& stream, const std::string& consumer) {
    return kApi + "CONSUMER.INFO." + stream + "." + consumer;
}

ConsumerInfo read_consumer_info(std::string_view json) {
    return consumer_info_of(read_answer(json));
}

ConsumerInfo ask_consumer(natsConnection* connection, const std::string& stream,
                          const std::string& consumer) {
    return consumer_info_of(ask_api(connection, consumer_info_subject(stream, consumer), ""));
}

ConsumerInfo make_consumer(natsConnection* connection, const std::string& stream,
                           const std::string& consumer) {
    const Json request{{"stream_name", stream},
                       {"config", {{"durable_name", consumer}, {"ack_policy", "explicit"}}}};
    return consumer_info_of(ask_api(
        connection, kApi + "CONSUMER.DURABLE.CREATE." + stream + "." + consumer, request.dump()));
}

}  // namespace drainpipe::nats
