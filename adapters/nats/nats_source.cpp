#include "nats_source.hpp"

#include <algorithm>
#include <cstring>
#include <exception>
#include <optional>
#include <thread>
#include <utility>

#include "ack_subject.hpp"
#include "acknowledger.hpp"
#include "endpoint_files.hpp"

namespace drainpipe::nats {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr std::size_t kBatch = 256;  // messages put in at a time
// Until a connection that has broken is noticed.
constexpr milliseconds kPatience{250};
constexpr nanoseconds kLookInterval = std::chrono::seconds(2);
// For what is under way at the end.
constexpr std::int64_t kLastFlush = 500;  // milliseconds

constexpr int kNotThere = 69;
constexpr int kNotUsable = 73;
constexpr int kNotPermitted = 77;

void give_back(natsConnection* connection, const std::vector<Delivery>& deliveries) {
    for (const Delivery& delivery : deliveries) {
        acknowledge_unconfirmed(connection, natsMsg_GetReply(delivery.message.get()),
                                Verdict::given_back);
    }
}

std::string attributes_of(const natsMsg* message, const AckSubject& subject) {
    std::string attributes = "NATS_SUBJECT=";
    attributes.append(natsMsg_GetSubject(message)).push_back('\0');
    attributes.append("NATS_SEQUENCE=").append(std::to_string(subject.stream_sequence));
    attributes.push_back('\0');
    return attributes;
}

// A thread that is joined whatever happens, after the consumer that it takes from was closed.
class Receiver {
  public:
    template <typename Function>
    Receiver(PullConsumer& pull, Function function)
        : pull_(pull), thread_([this, function] {
              try {
                  function();
              } catch (...) {
                  error_ = std::current_exception();
                  pull_.close();
              }
          }) {}
    ~Receiver() { stop(); }
    Receiver(const Receiver&) = delete;
    Receiver& operator=(const Receiver&) = delete;

    void stop() {
        pull_.close();
        if (thread_.joinable()) {
            thread_.join();
        }
    }
    void rethrow() const {
        if (error_) {
            std::rethrow_exception(error_);
        }
    }

  private:
    PullConsumer& pull_;
    std::exception_ptr error_;  // read once the thread was joined
    std::thread thread_;
};

}  // namespace

NatsSource::NatsSource(SourceIntake& intake)
    : intake_(intake),
      url_(NatsUrl::of_source(intake.endpoint().url)),
      connector_(url_, files_of(intake.endpoint()), "drainpipe source"),
      settler_(intake),
      keeper_(intake, settler_) {}

void NatsSource::run() {
    while (!intake_.is_over()) {
        if (!run_once()) {
            intake_.report({});
            wait(backoff_.next());
        }
    }
}

bool NatsSource::run_once() {
    const ConnectionHandle connection = connect();
    if (connection == nullptr) {
        return false;
    }
    const std::optional<ConsumerInfo> info = prepare(connection.get());
    if (!info) {
        return false;
    }
    run_session(connection.get(), *info);
    if (intake_.is_over()) {
        natsConnection_FlushTimeout(connection.get(), kLastFlush);
        return true;
    }
    complain(is_open(connection.get())
                 ? "consumer " + url_.consumer + " was deleted or made anew; it is begun again"
                 : "the connection to " + url_.described_servers() +
                       " is broken; it is made again");
    return false;
}

ConnectionHandle NatsSource::connect() {
    ConnectResult result = connector_.try_connect();
    if (result.connection != nullptr) {
        return std::move(result.connection);
    }
    const std::string servers = url_.described_servers();
    switch (result.problem) {
        case ConnectProblem::refused:
            reject(kNotPermitted,
                   servers + " lets nobody in with this user or password: " + result.reason);
            break;
        case ConnectProblem::untrusted:
            reject(kNotPermitted, "no agreement with " + servers + " on TLS: " + result.reason +
                                      " (see --nats-ca, --nats-cert)");
            break;
        case ConnectProblem::unreachable:
            complain("can't connect to " + servers + ": " + result.reason + "; it is tried again");
            break;
    }
    return nullptr;
}

std::optional<ConsumerInfo> NatsSource::prepare(natsConnection* connection) {
    const std::string stream_at = "stream " + url_.stream + " at " + url_.described_servers();
    const StreamInfo stream = ask_stream(connection, url_.stream);
    if (stream.error) {
        if (stream.error->is_no_stream()) {
            reject(kNotThere, "there is no " + stream_at);
        } else if (stream.error->is_not_enabled()) {
            reject(kNotThere, "JetStream is not enabled at " + url_.described_servers());
        } else {
            complain("can't read " + stream_at + ": " + stream.error->description +
                     "; it is tried again");
        }
        return std::nullopt;
    }
    const std::string name = "consumer " + url_.consumer + " of " + stream_at;
    ConsumerInfo consumer = ask_consumer(connection, url_.stream, url_.consumer);
    if (consumer.error && consumer.error->is_no_consumer()) {
        consumer = make_consumer(connection, url_.stream, url_.consumer);
        if (!consumer.error) {
            intake_.warn("there was no " + name + ": a durable pull consumer was made");
        }
    }
    if (consumer.error) {
        complain("can't use " + name + ": " + consumer.error->description + "; it is tried again");
        return std::nullopt;
    }
    if (!consumer.is_pull || !consumer.is_explicit) {
        reject(kNotUsable, name + (consumer.is_pull ? " does not have each message acknowledged: "
                                                      "its ack policy has to be explicit"
                                                    : " is a push consumer: a source needs a pull "
                                                      "consumer"));
        return std::nullopt;
    }
    if (!stream.is_work_queue && !std::exchange(has_warned_of_retention_, true)) {
        intake_.warn(stream_at +
                     " is no work queue (retention workqueue): what is done stays in it");
    }
    if (generation_.adopt(consumer.created)) {
        settler_.forget_told();
    }
    settler_.tell_again(connection, stream.last_sequence);
    return consumer;
}

void NatsSource::run_session(natsConnection* connection, const ConsumerInfo& info) {
    ack_wait_ = info.ack_wait;
    keeper_.set_consumer(generation_.name(), ack_wait_);
    while (!keeper_.renew(connection)) {
        if (!is_open(connection) || intake_.is_over()) {
            return;
        }
        settler_.collect(Clock::now() + kPatience);
        settler_.tell(connection, generation_.name());
    }
    intake_.report({true, info.pending, info.ack_pending});
    intake_.info("connected to " + url_.described_servers());
    {
        const std::lock_guard lock(saying_);
        said_.clear();
    }
    backoff_.reset();
    look_due_ = Clock::now();

    PullConsumer pull(connection, url_.stream, url_.consumer, info);
    if (!intake_.is_closing()) {
        pull.ask(room());
    }
    Receiver receiver(pull, [&] { receive(connection, pull); });
    while (!intake_.is_over() && settle_for_a_while(connection, pull)) {
    }
    receiver.stop();
    receiver.rethrow();
}

bool NatsSource::settle_for_a_while(natsConnection* connection, PullConsumer& pull) {
    settler_.collect(std::min({Clock::now() + kPatience, keeper_.due(), look_due_}));
    settler_.tell(connection, generation_.name());
    if (intake_.is_closing()) {
        pull.close();
    } else {
        pull.ask(room());
    }
    if (intake_.is_giving_back()) {
        keeper_.give_back();
    }
    if (Clock::now() >= keeper_.due()) {
        keeper_.renew(connection);
    }
    return is_open(connection) && look_after(pull);
}

bool NatsSource::look_after(PullConsumer& pull) {
    if (Clock::now() >= look_due_) {
        pull.look_after();
        look_due_ = Clock::now() + std::min(kLookInterval, ack_wait_ / 16);
    }
    if (const std::optional<std::string> complaint = pull.complaint()) {
        complain("the server refuses to deliver: " + *complaint + "; it is asked again");
    }
    const std::optional<ConsumerInfo> news = pull.news();
    if (!news) {
        return true;
    }
    if (news->error) {
        complain("can't read consumer " + url_.consumer + ": " + news->error->description);
        return !news->error->is_no_consumer();
    }
    intake_.report({true, news->pending, news->ack_pending});
    ack_wait_ = news->ack_wait;
    keeper_.set_consumer(generation_.name(), ack_wait_);
    return generation_.is_of(news->created);
}

void NatsSource::receive(natsConnection* connection, PullConsumer& pull) {
    while (true) {
        std::vector<Delivery> deliveries = pull.take(kBatch);
        if (deliveries.empty()) {
            return;
        }
        const PullConsumer::Room size = PullConsumer::size_of(deliveries);
        take_in(connection, std::move(deliveries));
        pull.hand_on(size);
        if (!intake_.is_closing()) {
            pull.ask(room());
        }
    }
}

void NatsSource::take_in(natsConnection* connection, std::vector<Delivery> deliveries) {
    if (intake_.is_closing()) {
        give_back(connection, deliveries);
        return;
    }
    keys_.clear();
    std::erase_if(deliveries,
                  [&](const Delivery& delivery) { return !is_new(connection, delivery); });
    keeper_.begin_push(deliveries);
    push(connection, deliveries);
    keeper_.end_push();
}

bool NatsSource::is_new(natsConnection* connection, const Delivery& delivery) {
    natsMsg* const message = delivery.message.get();
    const char* const reply = natsMsg_GetReply(message);
    const std::optional<AckSubject> subject = read_ack_subject(reply);
    if (!subject) {
        complain("a message with a reply subject that JetStream does not make is left alone");
        return false;
    }
    const std::uint64_t key = key_of(*subject, generation_.name());
    // A server of 2.9 delivers a message twice in a row where some became due while nobody asked.
    if (!keys_.insert(key).second) {
        return false;
    }
    switch (intake_.find(key)) {
        case SourceIntake::Known::held:
            acknowledge_unconfirmed(connection, reply, Verdict::in_progress);
            return false;
        case SourceIntake::Known::settled:
            acknowledge_unconfirmed(connection, reply, Verdict::done);
            return false;
        case SourceIntake::Known::no:
            break;
    }
    const std::size_t size =
        data_of(message).size() + std::strlen(reply) + attributes_of(message, *subject).size();
    if (size > intake_.largest()) {
        acknowledge_unconfirmed(connection, reply, Verdict::later);
        complain("message " + std::to_string(subject->stream_sequence) + " of " +
                 std::to_string(data_of(message).size()) +
                 " bytes is larger than what fits in here (" + std::to_string(intake_.largest()) +
                 "): it is given back; a larger --buffer-size takes it in");
        return false;
    }
    return true;
}

void NatsSource::push(natsConnection* connection, const std::vector<Delivery>& deliveries) {
    attributes_.resize(deliveries.size());
    std::vector<Message> messages;
    messages.reserve(deliveries.size());
    for (std::size_t i = 0; i < deliveries.size(); ++i) {
        natsMsg* const message = deliveries[i].message.get();
        const std::string_view token = natsMsg_GetReply(message);
        const AckSubject subject = read_ack_subject(token).value_or(AckSubject{});
        attributes_[i] = attributes_of(message, subject);
        messages.push_back({.payload = data_of(message),
                            .key = key_of(subject, generation_.name()),
                            .token = token,
                            .attributes = attributes_[i],
                            .is_redelivered = subject.delivered > 1});
    }
    for (std::size_t i = intake_.push(messages); i < deliveries.size(); ++i) {
        acknowledge_unconfirmed(connection, natsMsg_GetReply(deliveries[i].message.get()),
                                Verdict::given_back);
    }
}

void NatsSource::complain(const std::string& what) {
    const std::lock_guard lock(saying_);
    if (said_.insert(what).second) {
        intake_.warn(what);
    }
}

void NatsSource::reject(int exit_code, const std::string& why) {
    if (intake_.has_been_connected()) {
        complain(why + "; it is tried again");
    } else {
        intake_.refuse(exit_code, why);
    }
}

void NatsSource::wait(nanoseconds duration) {
    const Clock::time_point until = Clock::now() + duration;
    while (!intake_.is_over() && Clock::now() < until) {
        settler_.collect(until);
    }
}

PullConsumer::Room NatsSource::room() const {
    const SourceIntake::Room room = intake_.room();
    return {.events = room.events, .bytes = room.bytes};
}

}  // namespace drainpipe::nats
