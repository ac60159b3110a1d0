#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "connector.hpp"
#include "drainpipe/source.hpp"
#include "generation.hpp"
#include "jet_stream_api.hpp"
#include "lease_keeper.hpp"
#include "nats_url.hpp"
#include "pull_consumer.hpp"
#include "settler.hpp"

namespace drainpipe::nats {

// Takes the messages of a pull consumer of JetStream into a pipeline. What is asked for fits in the
// ring; a message is acknowledged when its event is done, and said to be in progress until then.
class NatsSource {
  public:
    // Throws std::invalid_argument for a URL, and UnusableFile.
    explicit NatsSource(SourceIntake& intake);

    // Runs until it is over, or the source was refused.
    void run();

  private:
    using Clock = SourceIntake::Clock;

    // One connection, from its making until it breaks. False: to be made again.
    bool run_once();
    ConnectionHandle connect();
    // What the consumer is, made where there is none; none where it can't be used now. It has been
    // told again what it may have lost.
    std::optional<ConsumerInfo> prepare(natsConnection* connection);
    void run_session(natsConnection* connection, const ConsumerInfo& info);
    // The duties of a session besides receiving; false where it is to end.
    bool settle_for_a_while(natsConnection* connection, PullConsumer& pull);
    bool look_after(PullConsumer& pull);
    void receive(natsConnection* connection, PullConsumer& pull);
    void take_in(natsConnection* connection, std::vector<Delivery> deliveries);
    // Whether it is to be put in; of one that is known, or too large, the server is told.
    bool is_new(natsConnection* connection, const Delivery& delivery);
    void push(natsConnection* connection, const std::vector<Delivery>& deliveries);

    // Says it once until it is connected again. Any thread may call.
    void complain(const std::string& what);
    // Refuses the source; where it was connected before, that may pass, and is complained of.
    void reject(int exit_code, const std::string& why);
    void wait(std::chrono::nanoseconds duration);
    PullConsumer::Room room() const;

    SourceIntake& intake_;
    const NatsUrl url_;
    Connector connector_;
    Backoff backoff_;
    Settler settler_;
    LeaseKeeper keeper_;
    Generation generation_;  // the consumer's, in this session
    std::chrono::nanoseconds ack_wait_{};
    Clock::time_point look_due_{};  // after the consumer
    bool has_warned_of_retention_ = false;
    std::unordered_set<std::uint64_t> keys_;  // of what is being taken in together
    std::vector<std::string> attributes_;     // while they are pushed

    std::mutex saying_;
    std::unordered_set<std::string> said_;
};

}  // namespace drainpipe::nats
