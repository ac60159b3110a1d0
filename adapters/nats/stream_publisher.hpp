#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "connector.hpp"
#include "handles.hpp"
#include "nats_url.hpp"

namespace drainpipe::nats {

// What is to be published, and is told what became of it; one or the other, once, by a thread of
// the publisher's or of its connection.
class Publication {
  public:
    virtual ~Publication() = default;

    // What JetStream recognises a repeat by.
    virtual std::string id() const = 0;
    // Valid until it is told.
    virtual std::string_view data() const = 0;

    // JetStream has stored it, now or before.
    virtual void stored() = 0;
    // It will never be stored: it is too large. One line.
    virtual void refused(const std::string& why) = 0;
};

// Publishes to a subject that a stream of JetStream takes in. What is not answered is published
// again, with the same id: on the next connection, or after five seconds. Where no stream takes it
// in, or one that is full, that is said and tried again with pauses.
class StreamPublisher {
  public:
    struct Host {
        std::function<void(bool is_connected)> report_connected;
        std::function<void(const std::string&)> info;
        std::function<void(const std::string&)> warn;
    };

    // Connects in a thread of its own, until it can. Throws as Connector does.
    StreamPublisher(const NatsUrl& url, const SecurityFiles& files, Host host);
    // What was not told is forgotten.
    ~StreamPublisher();
    StreamPublisher(const StreamPublisher&) = delete;
    StreamPublisher& operator=(const StreamPublisher&) = delete;

    // Waits for nothing. Any thread may call.
    void publish(std::unique_ptr<Publication> publication);

  private:
    using Clock = std::chrono::steady_clock;

    struct Sent {
        std::uint64_t number;
        Clock::time_point at;
    };
    struct Answer {
        enum class Kind : std::uint8_t { stored, refused, try_again };
        std::uint64_t number;
        Kind kind;
        std::string text;
    };
    // What is unanswered, and what libnats's threads say; outlives the subscriptions.
    struct Outbox;

    static Answer read_answer(natsMsg* message);

    void run();
    // False once the publisher is to end.
    bool wait_for_work();
    Clock::time_point next_duty() const;
    void connect_if_due();
    bool subscribe();
    void lose_connection();
    void send_fresh();
    // Those of them that are unanswered still. Requires a connection.
    void send(std::span<const std::uint64_t> numbers);
    // Of the first ones; how many.
    std::size_t send_some(std::span<const std::uint64_t> numbers);
    // None where libnats can't.
    MessageHandle make_message(std::uint64_t number, const Publication& publication) const;
    void refuse_too_large(std::uint64_t number);
    void send_overdue();
    void put_off();
    void send_retries();
    // Says it, at most once a minute.
    void complain(const std::string& what);

    const NatsUrl url_;
    Connector connector_;
    const Host host_;
    std::shared_ptr<Outbox> outbox_;

    // Of the thread.
    ConnectionHandle connection_;
    SubscriptionHandle subscription_;
    std::string reply_prefix_;
    Backoff connect_backoff_;
    Clock::time_point connect_at_{};
    std::deque<Sent> sent_;  // in the order of their times; some were answered since
    std::vector<std::uint64_t> retries_;
    Backoff retry_backoff_;
    std::optional<Clock::time_point> retry_at_;
    std::map<std::string, Clock::time_point> said_;

    std::thread thread_;
};

}  // namespace drainpipe::nats
