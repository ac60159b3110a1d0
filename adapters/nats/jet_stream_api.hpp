#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "handles.hpp"

namespace drainpipe::nats {

// What JetStream has answered instead.
struct ApiError {
    int code = 0;  // as of HTTP; 0: it has not answered at all
    int number = 0;
    std::string description;  // one line

    // It is the user's to mend.
    bool is_no_stream() const { return number == 10059; }
    bool is_no_consumer() const { return number == 10014; }
    bool is_not_enabled() const { return number == 10076 || number == 10039; }
};

// A stream, as far as a source has to know it.
struct StreamInfo {
    std::optional<ApiError> error;  // where there is one, nothing else is said
    bool is_work_queue = false;
    std::uint64_t last_sequence = 0;
};

// A consumer, as far as a source has to know it.
struct ConsumerInfo {
    std::optional<ApiError> error;
    std::string created;  // when it was made: see Generation
    bool is_pull = false;
    bool is_explicit = false;  // each message is to be acknowledged
    // After which a message is delivered again: the shortest where it depends on how often it was.
    std::chrono::nanoseconds ack_wait{};
    std::uint64_t pending = 0;      // messages that were delivered to nobody yet
    std::uint64_t ack_pending = 0;  // delivered, and not acknowledged
    // Most that may be asked for in a request; 0: as much as one likes.
    std::uint64_t max_batch = 0;
    std::uint64_t max_bytes = 0;
    std::chrono::nanoseconds max_expires{};
};

// These wait for an answer, at most five seconds.
StreamInfo ask_stream(natsConnection* connection, const std::string& stream);
ConsumerInfo ask_consumer(natsConnection* connection, const std::string& stream,
                          const std::string& consumer);
// Makes a durable pull consumer: each message is acknowledged, all else as the server has it.
ConsumerInfo make_consumer(natsConnection* connection, const std::string& stream,
                           const std::string& consumer);

// For a request without waiting.
std::string consumer_info_subject(const std::string& stream, const std::string& consumer);
ConsumerInfo read_consumer_info(std::string_view json);

}  // namespace drainpipe::nats
