#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace drainpipe::nats {

// Where a source or a sink is: nats://[USER:PASSWORD@|TOKEN@]HOST[:PORT][,HOST[:PORT]...]/PATH, and
// the same with tls://. User, password and token are percent-encoded; an IPv6 address stands in
// brackets.
//
// The errors, std::invalid_argument in one line, quote nothing of what stands before the path: a
// password may be where it is not expected.
struct NatsUrl {
    std::vector<std::string> servers;  // "nats://HOST:PORT" each, without user and password
    std::string user;
    std::string password;
    std::string token;  // instead of the two
    bool is_tls = false;
    std::string stream;    // of a source
    std::string consumer;  // of a source
    std::string subject;   // of a sink

    // PATH is STREAM/CONSUMER.
    static NatsUrl of_source(std::string_view url);
    // PATH is a subject without wildcards.
    static NatsUrl of_sink(std::string_view url);

    // The servers, for a line of the log.
    std::string described_servers() const;
};

}  // namespace drainpipe::nats
