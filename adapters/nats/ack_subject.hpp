#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace drainpipe::nats {

// The reply subject of a message that a consumer of JetStream has delivered. What is published to
// it acknowledges the message, on any connection and at any time.
struct AckSubject {
    std::string_view stream;
    std::string_view consumer;
    std::uint64_t delivered = 0;  // how often, this time among them
    std::uint64_t stream_sequence = 0;
    std::uint64_t timestamp = 0;  // of the message, in nanoseconds
};

// Reads "$JS.ACK.STREAM.CONSUMER.DELIVERED.STREAM_SEQUENCE.CONSUMER_SEQUENCE.TIMESTAMP.PENDING",
// also with a domain and an account's hash before the stream and more at the end. None where it is
// something else. The views are into `text`.
std::optional<AckSubject> read_ack_subject(std::string_view text);

// What a message is recognised by, whenever it is delivered: never that of another message of the
// stream, and another one where the consumer was deleted and made again, since that is to have
// everything done once more. `generation` is the consumer's. Never 0.
std::uint64_t key_of(const AckSubject& subject, std::string_view generation);

}  // namespace drainpipe::nats
