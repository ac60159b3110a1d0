#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "handles.hpp"

namespace drainpipe::nats {

// What a consumer is told of a message.
enum class Verdict : std::uint8_t {
    done,         // +ACK
    dead,         // +TERM: never to be delivered again
    given_back,   // -NAK: to be delivered again at once
    in_progress,  // +WPI: its AckWait begins anew
    later,        // -NAK: to be delivered again in half a minute
};

struct Acknowledgement {
    std::string subject;  // the message's reply subject
    Verdict verdict;
};

enum class Confirmation : std::uint8_t {
    confirmed,  // the server has taken in all of them
    nobody,     // nobody takes them in: the consumer is gone, or the server not ready
    broken,     // it is not known which ones: to be said again, on another connection
};

// Says all of them, in order, and waits for the server's answer to the last one, at most two
// seconds. A server takes in the acknowledgements of a consumer one after the other, so that it
// stands for those before, if all are of one consumer. To say one again does no harm.
Confirmation acknowledge(natsConnection* connection,
                         const std::vector<Acknowledgement>& acknowledgements);

// The same for one, without an answer: where it does not matter much whether it arrives.
void acknowledge_unconfirmed(natsConnection* connection, const char* subject, Verdict verdict);

}  // namespace drainpipe::nats
