#include "stream_publisher.hpp"

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <limits>
#include <mutex>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

namespace drainpipe::nats {
namespace {

constexpr std::chrono::seconds kAnswerTimeout{5};
// Until a connection that has broken is noticed where nothing else happens.
constexpr std::chrono::milliseconds kLongestNap{500};
constexpr std::chrono::minutes kSayAgain{1};
// "message size exceeds maximum allowed": the stream's own limit.
constexpr int kMessageTooLarge = 10054;
// Copied at a time under the lock, so that the other threads never wait long.
constexpr std::size_t kAtOnce = 64;
// For more to come where there are few, so that the thread is woken once for many of them.
constexpr std::chrono::microseconds kGather{100};
constexpr std::size_t kBytesAtOnce = 1024 * 1024;

}  // namespace

struct StreamPublisher::Outbox {
    struct Unanswered {
        std::unique_ptr<Publication> publication;  // null once it has been told
        Clock::time_point sent_at;                 // nothing: not yet, or put off
    };

    std::mutex telling;  // held while a publication is told; taken before the other one
    std::mutex mutex;
    std::condition_variable has_work;
    bool is_over = false;
    bool has_stored = false;  // since the thread has looked
    std::uint64_t first = 1;  // the number of the first one
    std::deque<Unanswered> unanswered;
    std::uint64_t next_fresh = 1;  // the first one not yet sent on this connection
    std::vector<Answer> to_put_off;

    // These require the mutex.
    Unanswered* find(std::uint64_t number) {
        const bool is_there = number >= first && number - first < unanswered.size() &&
                              unanswered[number - first].publication != nullptr;
        return is_there ? &unanswered[number - first] : nullptr;
    }
    std::uint64_t end() const { return first + unanswered.size(); }
    std::unique_ptr<Publication> take(std::uint64_t number) {
        Unanswered* const found = find(number);
        std::unique_ptr<Publication> publication =
            found == nullptr ? nullptr : std::move(found->publication);
        while (!unanswered.empty() && unanswered.front().publication == nullptr) {
            unanswered.pop_front();
            ++first;
        }
        return publication;
    }

    // Called by libnats's delivery thread.
    void take_answer(Answer answer);
    // Nothing is told after it has returned.
    void close();
};

void StreamPublisher::Outbox::take_answer(Answer answer) {
    const std::lock_guard told(telling);
    std::unique_lock lock(mutex);
    if (answer.kind == Answer::Kind::try_again) {
        to_put_off.push_back(std::move(answer));
        has_work.notify_one();
        return;
    }
    const std::unique_ptr<Publication> publication = take(answer.number);
    const bool is_stored = answer.kind == Answer::Kind::stored;
    has_stored = has_stored || (is_stored && publication != nullptr);
    lock.unlock();
    if (publication == nullptr) {
        return;  // it was published twice
    }
    if (is_stored) {
        publication->stored();
    } else {
        publication->refused("the stream refuses a result of " +
                             std::to_string(publication->data().size()) + " bytes: " + answer.text);
    }
}

void StreamPublisher::Outbox::close() {
    const std::lock_guard told(telling);
    const std::lock_guard lock(mutex);
    unanswered.clear();
    first = next_fresh = std::numeric_limits<std::uint64_t>::max();
}

StreamPublisher::StreamPublisher(const NatsUrl& url, const SecurityFiles& files, Host host)
    : url_(url),
      connector_(url, files, "drainpipe sink"),
      host_(std::move(host)),
      outbox_(std::make_shared<Outbox>()),
      thread_([this] { run(); }) {}

StreamPublisher::~StreamPublisher() {
    {
        const std::lock_guard lock(outbox_->mutex);
        outbox_->is_over = true;
    }
    outbox_->has_work.notify_one();
    thread_.join();
    outbox_->close();
}

void StreamPublisher::publish(std::unique_ptr<Publication> publication) {
    const std::lock_guard lock(outbox_->mutex);
    const bool is_first = outbox_->next_fresh == outbox_->end();
    outbox_->unanswered.push_back({std::move(publication), {}});
    if (is_first) {
        outbox_->has_work.notify_one();
    }
}

void StreamPublisher::run() {
    while (wait_for_work()) {
        connect_if_due();
        put_off();
        send_fresh();
        send_overdue();
        send_retries();
    }
}

bool StreamPublisher::wait_for_work() {
    const Clock::time_point until = next_duty();
    std::unique_lock lock(outbox_->mutex);
    outbox_->has_work.wait_until(lock, until, [this] {
        return outbox_->is_over || !outbox_->to_put_off.empty() ||
               (connection_ != nullptr && outbox_->next_fresh != outbox_->end());
    });
    if (outbox_->end() - outbox_->next_fresh < kAtOnce) {
        outbox_->has_work.wait_for(lock, kGather, [this] { return outbox_->is_over; });
    }
    return !outbox_->is_over;
}

StreamPublisher::Clock::time_point StreamPublisher::next_duty() const {
    Clock::time_point next = Clock::now() + kLongestNap;
    if (connection_ == nullptr) {
        return std::min(next, connect_at_);
    }
    if (!sent_.empty()) {
        next = std::min(next, sent_.front().at + kAnswerTimeout);
    }
    return retry_at_ ? std::min(next, *retry_at_) : next;
}

void StreamPublisher::connect_if_due() {
    if (connection_ != nullptr) {
        if (is_open(connection_.get())) {
            return;
        }
        lose_connection();
    }
    if (Clock::now() < connect_at_) {
        return;
    }
    ConnectResult result = connector_.try_connect();
    connection_ = std::move(result.connection);
    if (connection_ == nullptr || !subscribe()) {
        complain("can't connect to " + url_.described_servers() + ": " + result.reason +
                 "; it is tried again");
        connection_.reset();
        connect_at_ = Clock::now() + connect_backoff_.next();
        return;
    }
    connect_backoff_.reset();
    said_.clear();
    host_.report_connected(true);
    host_.info("connected to " + url_.described_servers());

    sent_.clear();
    retries_.clear();
    retry_at_.reset();
    // All once more, in their order.
    const std::lock_guard lock(outbox_->mutex);
    outbox_->to_put_off.clear();
    outbox_->next_fresh = outbox_->first;
}

void StreamPublisher::lose_connection() {
    subscription_.reset();
    connection_.reset();
    host_.report_connected(false);
    complain("the connection to " + url_.described_servers() + " is broken; it is made again");
    connect_at_ = Clock::now() + connect_backoff_.next();
}

bool StreamPublisher::subscribe() {
    natsInbox* subject = nullptr;
    if (natsInbox_Create(&subject) != NATS_OK) {
        return false;
    }
    reply_prefix_ = std::string(subject) + ".";
    natsInbox_Destroy(subject);

    using Shared = std::shared_ptr<Outbox>;
    auto closure = std::make_unique<Shared>(outbox_);
    natsSubscription* subscription = nullptr;
    const natsStatus status = natsConnection_Subscribe(
        &subscription, connection_.get(), (reply_prefix_ + "*").c_str(),
        [](natsConnection*, natsSubscription*, natsMsg* message, void* outbox) {
            const MessageHandle handle(message);
            (*static_cast<Shared*>(outbox))->take_answer(read_answer(message));
        },
        closure.get());
    if (status != NATS_OK) {
        return false;
    }
    subscription_.reset(subscription);
    natsSubscription_SetPendingLimits(subscription, -1, -1);
    natsSubscription_SetOnCompleteCB(
        subscription, [](void* outbox) { delete static_cast<Shared*>(outbox); }, closure.release());
    return true;
}

void StreamPublisher::send_fresh() {
    if (connection_ == nullptr) {
        return;
    }
    std::vector<std::uint64_t> numbers;
    {
        const std::lock_guard lock(outbox_->mutex);
        numbers.resize(outbox_->end() - outbox_->next_fresh);
        std::iota(numbers.begin(), numbers.end(), outbox_->next_fresh);
        outbox_->next_fresh = outbox_->end();
    }
    send(numbers);
}

void StreamPublisher::send(std::span<const std::uint64_t> numbers) {
    while (!numbers.empty()) {
        numbers = numbers.subspan(send_some(numbers));
    }
}

std::size_t StreamPublisher::send_some(std::span<const std::uint64_t> numbers) {
    const Clock::time_point now = Clock::now();
    std::vector<std::pair<std::uint64_t, MessageHandle>> messages;
    std::size_t taken = 0;
    std::size_t bytes = 0;
    {
        const std::lock_guard lock(outbox_->mutex);
        for (; taken < std::min(numbers.size(), kAtOnce) && bytes < kBytesAtOnce; ++taken) {
            const std::uint64_t number = numbers[taken];
            if (Outbox::Unanswered* const unanswered = outbox_->find(number)) {
                bytes += unanswered->publication->data().size();
                messages.emplace_back(number, make_message(number, *unanswered->publication));
                unanswered->sent_at = now;
                sent_.push_back({number, now});
            }
        }
    }
    // Where one can't be sent it is overdue in time, if the connection is not broken.
    for (const auto& [number, message] : messages) {
        if (message != nullptr &&
            natsConnection_PublishMsg(connection_.get(), message.get()) == NATS_MAX_PAYLOAD) {
            refuse_too_large(number);
        }
    }
    return taken;
}

MessageHandle StreamPublisher::make_message(std::uint64_t number,
                                            const Publication& publication) const {
    const std::string_view data = publication.data();
    const std::string reply = reply_prefix_ + std::to_string(number);
    natsMsg* message = nullptr;
    if (natsMsg_Create(&message, url_.subject.c_str(), reply.c_str(), data.data(),
                       static_cast<int>(data.size())) != NATS_OK) {
        return nullptr;
    }
    MessageHandle handle(message);
    const natsStatus status = natsMsgHeader_Set(message, "Nats-Msg-Id", publication.id().c_str());
    return status == NATS_OK ? std::move(handle) : nullptr;
}

void StreamPublisher::refuse_too_large(std::uint64_t number) {
    std::unique_lock lock(outbox_->mutex);
    const std::unique_ptr<Publication> publication = outbox_->take(number);
    lock.unlock();
    if (publication != nullptr) {
        const std::int64_t most = natsConnection_GetMaxPayload(connection_.get());
        publication->refused("a result of " + std::to_string(publication->data().size()) +
                             " bytes is too large: the server's max_payload is " +
                             std::to_string(most) + " bytes, headers among them");
    }
}

void StreamPublisher::send_overdue() {
    if (connection_ == nullptr) {
        return;
    }
    const Clock::time_point now = Clock::now();
    std::vector<std::uint64_t> overdue;
    std::unique_lock lock(outbox_->mutex);
    while (!sent_.empty()) {
        const Sent oldest = sent_.front();
        const Outbox::Unanswered* const found = outbox_->find(oldest.number);
        const bool is_waiting = found != nullptr && found->sent_at == oldest.at;
        if (is_waiting && now < oldest.at + kAnswerTimeout) {
            break;
        }
        sent_.pop_front();
        if (is_waiting) {
            overdue.push_back(oldest.number);
        }
    }
    lock.unlock();
    if (!overdue.empty()) {
        complain("JetStream does not answer to what is published to " + url_.subject +
                 "; it is published again");
        send(overdue);
    }
}

void StreamPublisher::put_off() {
    std::unique_lock lock(outbox_->mutex);
    if (std::exchange(outbox_->has_stored, false)) {
        retry_backoff_.reset();
    }
    const std::vector<Answer> answers = std::exchange(outbox_->to_put_off, {});
    for (const Answer& answer : answers) {
        Outbox::Unanswered* const found = outbox_->find(answer.number);
        if (found != nullptr && found->sent_at != Clock::time_point{}) {
            found->sent_at = {};  // not to be overdue, nor to be put off twice
            retries_.push_back(answer.number);
        }
    }
    lock.unlock();
    if (answers.empty()) {
        return;
    }
    complain(url_.subject + " at " + url_.described_servers() + ": " + answers.front().text +
             "; it is tried again");
    if (!retry_at_) {
        retry_at_ = Clock::now() + retry_backoff_.next();
    }
}

void StreamPublisher::send_retries() {
    if (connection_ != nullptr && retry_at_ && Clock::now() >= *retry_at_) {
        retry_at_.reset();
        send(std::exchange(retries_, {}));
    }
}

void StreamPublisher::complain(const std::string& what) {
    const Clock::time_point now = Clock::now();
    const auto [said, is_new] = said_.try_emplace(what, now);
    if (is_new || now - said->second > kSayAgain) {
        said->second = now;
        host_.warn(what);
    }
}

StreamPublisher::Answer StreamPublisher::read_answer(natsMsg* message) {
    StreamPublisher::Answer answer{.number = 0, .kind = Answer::Kind::try_again, .text = {}};
    const std::string_view subject = natsMsg_GetSubject(message);
    const std::string_view number = subject.substr(subject.rfind('.') + 1);
    std::from_chars(number.data(), number.data() + number.size(), answer.number);
    if (natsMsg_IsNoResponders(message)) {
        answer.text = "no stream takes in what is published there";
        return answer;
    }
    const std::string_view data = data_of(message);
    // As nearly all are: not worth being parsed.
    if (data.starts_with(R"({"stream":")") && data.find(R"("error")") == std::string_view::npos) {
        answer.kind = Answer::Kind::stored;
        return answer;
    }
    const nlohmann::json json = nlohmann::json::parse(data, nullptr, false);
    const auto error = json.is_object() ? json.find("error") : json.end();
    const bool is_error = error != json.end() && error->is_object();
    if (!is_error && (!json.is_object() || !json.contains("stream"))) {
        answer.text = "what answers there is not JetStream";
        return answer;
    }
    if (is_error) {
        const auto description = error->find("description");
        const auto code = error->find("err_code");
        answer.text = description != error->end() && description->is_string()
                          ? description->get<std::string>()
                          : "unknown error";
        if (code != error->end() && *code == kMessageTooLarge) {
            answer.kind = Answer::Kind::refused;
        }
        return answer;
    }
    answer.kind = Answer::Kind::stored;
    return answer;
}

}  // namespace drainpipe::nats
