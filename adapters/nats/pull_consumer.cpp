#include "pull_consumer.hpp"

#include <time.h>

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

namespace drainpipe::nats {
namespace {

using std::chrono::nanoseconds;
using std::chrono::steady_clock;

constexpr std::size_t kRequests = 4;  // under way at most
// One more subscription is for news.
constexpr std::size_t kNews = kRequests;
constexpr nanoseconds kExpires = std::chrono::seconds(30);
constexpr nanoseconds kHeartbeat = std::chrono::seconds(5);
// A server that does not answer to a request for news.
constexpr nanoseconds kNewsTimeout = std::chrono::seconds(5);
// Between two looks at whether anything can come still: libnats may keep it to itself that a
// subscription is at its end.
constexpr nanoseconds kBetweenLooks = std::chrono::milliseconds(100);
// For what is on its way when it is closed.
constexpr nanoseconds kClosing = std::chrono::seconds(1);
// Before a request that would be refused as the last one was.
constexpr nanoseconds kPause = std::chrono::milliseconds(250);

nanoseconds boot_time() {
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    return std::chrono::seconds(now.tv_sec) + nanoseconds(now.tv_nsec);
}

// What the message takes of the room, at most.
std::uint64_t bytes_of(const natsMsg* message) {
    return static_cast<std::uint64_t>(natsMsg_GetDataLength(message)) +
           std::strlen(natsMsg_GetSubject(message)) + std::strlen(natsMsg_GetReply(message)) +
           PullConsumer::kOverhead;
}

std::string header_of(natsMsg* message, const char* name) {
    const char* value = nullptr;
    return natsMsgHeader_Get(message, name, &value) == NATS_OK && value != nullptr ? value : "";
}

}  // namespace

struct PullConsumer::State {
    // A request under way, or none.
    struct Request {
        std::uint64_t events = 0;  // still to come; 0: it is at its end
        std::uint64_t bytes = 0;
        std::uint64_t max_bytes = 0;
        bool has_delivered = false;
        steady_clock::time_point heard{};  // of it last
    };

    struct Incoming {
        std::size_t request;
        MessageHandle message;
    };

    // Members below it are guarded by it, but for what never changes.
    mutable std::mutex mutex;
    std::condition_variable has_come;

    natsConnection* connection = nullptr;
    std::string stream;
    std::string consumer;
    std::string inbox;
    std::uint64_t max_batch = 0;
    std::uint64_t max_bytes = 0;
    nanoseconds expires{};
    nanoseconds heartbeat{};

    std::deque<Incoming> incoming;
    bool is_awaited = false;
    bool is_closed = false;
    steady_clock::time_point closed_at{};
    std::size_t open_subscriptions = 0;
    std::array<SubscriptionHandle, kRequests + 1> subscriptions;
    std::array<Request, kRequests> requests;
    Room fetched;                 // has come, and was not handed on
    Room capacity;                // the most room that was ever seen
    std::uint64_t too_small = 0;  // max_bytes with which the next message does not come; 0: unknown
    steady_clock::time_point ask_after{};

    nanoseconds not_before{};  // of what comes from now on
    nanoseconds news_asked{};  // 0: none is under way
    std::optional<ConsumerInfo> news;
    std::optional<std::string> complaint;

    bool may_come() const;
    Room outstanding() const;
    void ask(Room room);
    bool send(Request& request, std::size_t number, std::uint64_t events, std::uint64_t bytes);
    void take_in(Incoming incoming, std::vector<Delivery>& deliveries);
    void read_status(Request& request, natsMsg* message);
    void read_news(natsMsg* message);
};

namespace {

// What a subscription's callbacks get; gone with its last callback.
struct Route {
    std::function<void(MessageHandle)> came;
    std::function<void()> completed;
};

void on_message(natsConnection*, natsSubscription*, natsMsg* message, void* closure) {
    static_cast<Route*>(closure)->came(MessageHandle(message));
}

void on_complete(void* closure) {
    const std::unique_ptr<Route> route(static_cast<Route*>(closure));
    route->completed();
}

// None where the connection is broken.
SubscriptionHandle subscribe(natsConnection* connection, const std::string& subject,
                             std::unique_ptr<Route> route) {
    natsSubscription* subscription = nullptr;
    Route* const closure = route.get();
    if (natsConnection_Subscribe(&subscription, connection, subject.c_str(), on_message, closure) !=
        NATS_OK) {
        return nullptr;
    }
    SubscriptionHandle handle(subscription);
    natsSubscription_SetPendingLimits(subscription, -1, -1);
    if (natsSubscription_SetOnCompleteCB(subscription, on_complete, closure) != NATS_OK) {
        // Closed already, with the connection, and nothing has come: it may be on its way out
        // still.
        static_cast<void>(route.release());
        return nullptr;
    }
    static_cast<void>(route.release());
    return handle;
}

}  // namespace

bool PullConsumer::State::may_come() const {
    return open_subscriptions > 0 && !natsConnection_IsClosed(connection) &&
           !(is_closed && steady_clock::now() >= closed_at + kClosing);
}

PullConsumer::Room PullConsumer::State::outstanding() const {
    Room all;
    for (const Request& request : requests) {
        all.events += request.events;
        all.bytes += request.events > 0 ? request.bytes : 0;
    }
    return all;
}

void PullConsumer::State::ask(Room room) {
    if (is_closed || steady_clock::now() < ask_after) {
        return;
    }
    capacity.events = std::max(capacity.events, room.events);
    capacity.bytes = std::max(capacity.bytes, room.bytes);
    for (std::size_t i = 0; i < requests.size(); ++i) {
        const Room under_way = outstanding();
        const std::uint64_t events = under_way.events + fetched.events;
        const std::uint64_t bytes = under_way.bytes + fetched.bytes;
        if (room.events <= events || room.bytes <= bytes) {
            return;
        }
        if (requests[i].events > 0) {
            continue;
        }
        const Room free{room.events - events, room.bytes - bytes};
        if (too_small > 0) {
            // The next message needs more than was offered for it: it alone, then.
            if (events > 0 ||
                (free.bytes < capacity.bytes && free.bytes <= too_small + kOverhead)) {
                return;
            }
            const bool is_all_in_vain = free.bytes <= too_small + kOverhead;
            send(requests[i], i, 1, is_all_in_vain ? 0 : free.bytes - kOverhead);
            return;
        }
        const std::uint64_t worth = std::max<std::uint64_t>(capacity.events / 8, 1);
        if (under_way.events > 0 && free.events < worth) {
            return;
        }
        std::uint64_t batch = std::min(free.events, (capacity.events + 1) / 2);
        batch = max_batch > 0 ? std::min(batch, max_batch) : batch;
        const std::uint64_t share =
            batch == free.events ? free.bytes
                                 : static_cast<std::uint64_t>(static_cast<double>(free.bytes) /
                                                              static_cast<double>(free.events) *
                                                              static_cast<double>(batch));
        batch = std::min(batch, share / (2 * kOverhead));
        if (batch == 0 || !send(requests[i], i, batch, share - batch * kOverhead)) {
            return;
        }
    }
}

// Asks for so many with so many bytes; 0: however many.
bool PullConsumer::State::send(Request& request, std::size_t number, std::uint64_t events,
                               std::uint64_t bytes) {
    if (max_bytes > 0 && (bytes == 0 || bytes > max_bytes)) {
        bytes = max_bytes;
    }
    nlohmann::json json{
        {"batch", events}, {"expires", expires.count()}, {"idle_heartbeat", heartbeat.count()}};
    if (bytes > 0) {
        json["max_bytes"] = bytes;
    }
    const std::string subject = "$JS.API.CONSUMER.MSG.NEXT." + stream + "." + consumer;
    const std::string reply = inbox + "." + std::to_string(number);
    if (natsConnection_PublishRequestString(connection, subject.c_str(), reply.c_str(),
                                            json.dump().c_str()) != NATS_OK) {
        return false;
    }
    request.events = events;
    request.bytes = bytes + events * kOverhead;
    request.max_bytes = bytes;
    request.has_delivered = false;
    request.heard = steady_clock::now();
    return true;
}

void PullConsumer::State::take_in(Incoming one, std::vector<Delivery>& deliveries) {
    if (one.request == kNews) {
        read_news(one.message.get());
        return;
    }
    Request& request = requests[one.request];
    request.heard = steady_clock::now();
    const char* const reply = natsMsg_GetReply(one.message.get());
    if (reply == nullptr || *reply == '\0') {
        read_status(request, one.message.get());
        return;
    }
    const std::uint64_t size = bytes_of(one.message.get());
    request.has_delivered = true;
    request.events -= std::min<std::uint64_t>(request.events, 1);
    request.bytes -= std::min(request.bytes, size);
    fetched.events += 1;
    fetched.bytes += size;
    too_small = 0;
    deliveries.push_back({std::move(one.message), not_before});
}

void PullConsumer::State::read_status(Request& request, natsMsg* message) {
    const std::string status = header_of(message, "Status");
    const std::string description = header_of(message, "Description");
    if (status == "100") {
        return;
    }
    request.events = 0;
    if (status == "404" || status == "408") {
        return;
    }
    if (description == "Message Size Exceeds MaxBytes") {
        if (!request.has_delivered) {
            too_small = std::max(too_small, std::max<std::uint64_t>(request.max_bytes, 1));
        }
        return;
    }
    if (description == "Consumer Deleted") {
        news = ConsumerInfo{};
        news->error = ApiError{.code = 404, .number = 10014, .description = "consumer not found"};
    } else if (status != "503" && description != "Leadership Change" &&
               description != "Server Shutdown") {
        complaint = status + (description.empty() ? "" : " " + description);
    }
    ask_after = steady_clock::now() + kPause;
}

void PullConsumer::State::read_news(natsMsg* message) {
    const bool is_the_last = std::string_view(natsMsg_GetSubject(message))
                                 .ends_with("." + std::to_string(news_asked.count()));
    if (!is_the_last || header_of(message, "Status") == "503") {
        return;
    }
    not_before = news_asked;
    news_asked = nanoseconds{};
    news = read_consumer_info(data_of(message));
}

namespace {

std::string new_inbox() {
    natsInbox* inbox = nullptr;
    if (natsInbox_Create(&inbox) != NATS_OK) {
        throw std::runtime_error("libnats makes no inbox");
    }
    std::string subject(inbox);
    natsInbox_Destroy(inbox);
    return subject;
}

}  // namespace

PullConsumer::PullConsumer(natsConnection* connection, std::string stream, std::string consumer,
                           const ConsumerInfo& info)
    : state_(std::make_shared<State>()) {
    State& state = *state_;
    state.connection = connection;
    state.stream = std::move(stream);
    state.consumer = std::move(consumer);
    state.inbox = new_inbox();
    state.max_batch = info.max_batch;
    state.max_bytes = info.max_bytes;
    state.expires = info.max_expires.count() > 0 ? std::min(kExpires, info.max_expires) : kExpires;
    state.heartbeat = std::min(kHeartbeat, state.expires / 3);
    state.not_before = boot_time();
    for (std::size_t i = 0; i < state.subscriptions.size(); ++i) {
        if (!subscribe_to(i)) {
            throw std::runtime_error("the connection is broken");
        }
    }
}

// Makes, or makes anew, what the answers to a request come by; false where the connection is
// broken.
bool PullConsumer::subscribe_to(std::size_t number) {
    auto route = std::make_unique<Route>();
    route->came = [state = state_, number](MessageHandle message) {
        const std::lock_guard lock(state->mutex);
        state->incoming.push_back({number, std::move(message)});
        if (std::exchange(state->is_awaited, false)) {
            state->has_come.notify_one();
        }
    };
    route->completed = [state = state_] {
        const std::lock_guard lock(state->mutex);
        --state->open_subscriptions;
        state->has_come.notify_one();
    };
    {
        const std::lock_guard lock(state_->mutex);
        ++state_->open_subscriptions;
    }
    const std::string subject =
        state_->inbox + (number == kNews ? ".news.*" : "." + std::to_string(number));
    SubscriptionHandle subscription = subscribe(state_->connection, subject, std::move(route));
    const std::lock_guard lock(state_->mutex);
    if (subscription == nullptr) {
        --state_->open_subscriptions;
        return false;
    }
    std::swap(state_->subscriptions[number], subscription);
    return true;
}

PullConsumer::~PullConsumer() {
    std::array<SubscriptionHandle, kRequests + 1> subscriptions;
    const std::lock_guard lock(state_->mutex);
    state_->is_closed = true;
    subscriptions.swap(state_->subscriptions);
}

void PullConsumer::ask(Room room) {
    const std::lock_guard lock(state_->mutex);
    state_->ask(room);
}

std::vector<Delivery> PullConsumer::take(std::size_t most) {
    std::vector<Delivery> deliveries;
    std::unique_lock lock(state_->mutex);
    State& state = *state_;
    while (deliveries.empty()) {
        if (state.incoming.empty()) {
            if (!state.may_come()) {
                return deliveries;
            }
            state.is_awaited = true;
            state.has_come.wait_for(lock, kBetweenLooks);
        }
        while (!state.incoming.empty() && deliveries.size() < most) {
            State::Incoming one = std::move(state.incoming.front());
            state.incoming.pop_front();
            state.take_in(std::move(one), deliveries);
        }
    }
    return deliveries;
}

PullConsumer::Room PullConsumer::size_of(const std::vector<Delivery>& deliveries) {
    Room size{.events = deliveries.size(), .bytes = 0};
    for (const Delivery& delivery : deliveries) {
        size.bytes += bytes_of(delivery.message.get());
    }
    return size;
}

void PullConsumer::hand_on(Room size) {
    const std::lock_guard lock(state_->mutex);
    state_->fetched.events -= size.events;
    state_->fetched.bytes -= size.bytes;
}

void PullConsumer::look_after() {
    std::vector<std::size_t> lost;
    {
        const std::lock_guard lock(state_->mutex);
        State& state = *state_;
        if (state.is_closed) {
            return;
        }
        const nanoseconds now = boot_time();
        if (state.news_asked.count() == 0 || now - state.news_asked > kNewsTimeout) {
            const std::string subject = consumer_info_subject(state.stream, state.consumer);
            const std::string reply = state.inbox + ".news." + std::to_string(now.count());
            if (natsConnection_PublishRequestString(state.connection, subject.c_str(),
                                                    reply.c_str(), "") == NATS_OK) {
                state.news_asked = now;
            }
        }
        for (std::size_t i = 0; i < state.requests.size(); ++i) {
            if (state.requests[i].events > 0 &&
                steady_clock::now() - state.requests[i].heard > 3 * state.heartbeat) {
                lost.push_back(i);
            }
        }
    }
    for (const std::size_t i : lost) {
        // A late answer to the old one finds nobody.
        if (!subscribe_to(i)) {
            return;
        }
        const std::lock_guard lock(state_->mutex);
        state_->requests[i].events = 0;
    }
}

std::optional<ConsumerInfo> PullConsumer::news() {
    const std::lock_guard lock(state_->mutex);
    return std::exchange(state_->news, std::nullopt);
}

std::optional<std::string> PullConsumer::complaint() {
    const std::lock_guard lock(state_->mutex);
    return std::exchange(state_->complaint, std::nullopt);
}

void PullConsumer::close() {
    std::array<SubscriptionHandle, kRequests + 1> subscriptions;
    {
        const std::lock_guard lock(state_->mutex);
        if (std::exchange(state_->is_closed, true)) {
            return;
        }
        state_->closed_at = steady_clock::now();
        subscriptions.swap(state_->subscriptions);
    }
    for (const SubscriptionHandle& subscription : subscriptions) {
        if (subscription != nullptr) {
            natsSubscription_Drain(subscription.get());
        }
    }
    // Destroyed they would not drain.
    const std::lock_guard lock(state_->mutex);
    state_->subscriptions.swap(subscriptions);
}

std::uint64_t PullConsumer::outstanding() const {
    const std::lock_guard lock(state_->mutex);
    return state_->outstanding().events;
}

}  // namespace drainpipe::nats
