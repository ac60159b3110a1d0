#include "acknowledger.hpp"

namespace drainpipe::nats {
namespace {

constexpr std::int64_t kConfirmationTimeout = 2000;  // milliseconds

const char* text_of(Verdict verdict) {
    switch (verdict) {
        case Verdict::done:
            return "+ACK";
        case Verdict::dead:
            return "+TERM";
        case Verdict::given_back:
            return "-NAK";
        case Verdict::later:
            return "-NAK {\"delay\": 30000000000}";
        case Verdict::in_progress:
            break;
    }
    return "+WPI";
}

}  // namespace

Confirmation acknowledge(natsConnection* connection,
                         const std::vector<Acknowledgement>& acknowledgements) {
    if (acknowledgements.empty()) {
        return Confirmation::confirmed;
    }
    const Acknowledgement& last = acknowledgements.back();
    for (const Acknowledgement& one : acknowledgements) {
        if (&one != &last && natsConnection_PublishString(connection, one.subject.c_str(),
                                                          text_of(one.verdict)) != NATS_OK) {
            return Confirmation::broken;
        }
    }
    natsMsg* answer = nullptr;
    const natsStatus status = natsConnection_RequestString(
        &answer, connection, last.subject.c_str(), text_of(last.verdict), kConfirmationTimeout);
    const MessageHandle handle(answer);
    return status == NATS_OK              ? Confirmation::confirmed
           : status == NATS_NO_RESPONDERS ? Confirmation::nobody
                                          : Confirmation::broken;
}

void acknowledge_unconfirmed(natsConnection* connection, const char* subject, Verdict verdict) {
    natsConnection_PublishString(connection, subject, text_of(verdict));
}

}  // namespace drainpipe::nats
