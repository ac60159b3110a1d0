#include "stream_publisher.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

namespace drainpipe::nats {
namespace {

constexpr std::chrono::seconds kAnswerTimeout{5};
// Until a connection that has broken is noticed where nothing else happens.
constexpr std::chrono::milliseconds kLongestNap{500};
constexpr std::chrono::minutes kSayAgain{1};
// "message size exceeds maximum allowed": the stream's own limit.
constexpr int kMessageTooLarge = 10054;

}  // namespace

struct StreamPublisher::Inbox {
    std::mutex mutex;
    std::condition_variable has_work;
    bool is_asleep = false;
    bool is_over = false;
    std::vector<std::unique_ptr<Publication>> fresh;
    std::vector<Answer> answers;

    template <typename Change>
    void change(Change make_change) {
        const std::lock_guard lock(mutex);
        make_change();
        if (std::exchange(is_asleep, false)) {
            has_work.notify_one();
        }
    }
};

StreamPublisher::StreamPublisher(const NatsUrl& url, const SecurityFiles& files, Host host)
    : url_(url),
      connector_(url, files, "drainpipe sink"),
      host_(std::move(host)),
      inbox_(std::make_shared<Inbox>()),
      thread_([this] { run(); }) {}

StreamPublisher::~StreamPublisher() {
    inbox_->change([this] { inbox_->is_over = true; });
    thread_.join();
}

void StreamPublisher::publish(std::unique_ptr<Publication> publication) {
    inbox_->change([&] { inbox_->fresh.push_back(std::move(publication)); });
}

void StreamPublisher::run() {
    std::vector<std::unique_ptr<Publication>> fresh;
    std::vector<Answer> answers;
    while (wait_for_work(fresh, answers)) {
        for (const Answer& answer : answers) {
            take_answer(answer);
        }
        answers.clear();
        connect_if_due();
        for (std::unique_ptr<Publication>& publication : fresh) {
            const std::uint64_t number = ++last_number_;
            Unanswered& unanswered = unanswered_[number];
            unanswered.publication = std::move(publication);
            send(number, unanswered);
        }
        fresh.clear();
        send_overdue();
        send_retries();
    }
}

bool StreamPublisher::wait_for_work(std::vector<std::unique_ptr<Publication>>& fresh,
                                    std::vector<Answer>& answers) {
    const Clock::time_point until = next_duty();
    std::unique_lock lock(inbox_->mutex);
    inbox_->has_work.wait_until(lock, until, [this] {
        const bool has_something =
            inbox_->is_over || !inbox_->fresh.empty() || !inbox_->answers.empty();
        inbox_->is_asleep = !has_something;
        return has_something;
    });
    inbox_->is_asleep = false;
    fresh.swap(inbox_->fresh);
    answers.swap(inbox_->answers);
    return !inbox_->is_over;
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

    std::vector<std::uint64_t> numbers;
    for (const auto& [number, unanswered] : unanswered_) {
        numbers.push_back(number);
    }
    std::sort(numbers.begin(), numbers.end());
    sent_.clear();
    retries_.clear();
    retry_at_.reset();
    for (const std::uint64_t number : numbers) {
        send(number, unanswered_[number]);
    }
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

    using Shared = std::shared_ptr<Inbox>;
    auto closure = std::make_unique<Shared>(inbox_);
    natsSubscription* subscription = nullptr;
    const natsStatus status = natsConnection_Subscribe(
        &subscription, connection_.get(), (reply_prefix_ + "*").c_str(),
        [](natsConnection*, natsSubscription*, natsMsg* message, void* inbox) {
            const MessageHandle handle(message);
            Inbox& to = **static_cast<Shared*>(inbox);
            to.change([&] { to.answers.push_back(read_answer(message)); });
        },
        closure.get());
    if (status != NATS_OK) {
        return false;
    }
    subscription_.reset(subscription);
    natsSubscription_SetPendingLimits(subscription, -1, -1);
    natsSubscription_SetOnCompleteCB(
        subscription, [](void* inbox) { delete static_cast<Shared*>(inbox); }, closure.release());
    return true;
}

void StreamPublisher::send(std::uint64_t number, Unanswered& unanswered) {
    if (connection_ == nullptr) {
        return;  // with all others when there is one
    }
    const std::string_view data = unanswered.publication->data();
    const std::string reply = reply_prefix_ + std::to_string(number);
    natsMsg* message = nullptr;
    natsStatus status = natsMsg_Create(&message, url_.subject.c_str(), reply.c_str(), data.data(),
                                       static_cast<int>(data.size()));
    const MessageHandle handle(message);
    if (status == NATS_OK) {
        status = natsMsgHeader_Set(message, "Nats-Msg-Id", unanswered.publication->id().c_str());
    }
    if (status == NATS_OK) {
        status = natsConnection_PublishMsg(connection_.get(), message);
    }
    if (status == NATS_MAX_PAYLOAD) {
        const std::int64_t most = natsConnection_GetMaxPayload(connection_.get());
        unanswered.publication->refused("a result of " + std::to_string(data.size()) +
                                        " bytes is too large: the server's max_payload is " +
                                        std::to_string(most) + " bytes, headers among them");
        unanswered_.erase(number);
        return;
    }
    // Where it could not be sent it is overdue in time, if the connection is not broken.
    unanswered.sent_at = Clock::now();
    sent_.push_back({number, unanswered.sent_at});
}

void StreamPublisher::send_overdue() {
    while (!sent_.empty()) {
        const Sent oldest = sent_.front();
        const auto found = unanswered_.find(oldest.number);
        const bool is_open_still = found != unanswered_.end() && found->second.sent_at == oldest.at;
        if (is_open_still && Clock::now() < oldest.at + kAnswerTimeout) {
            return;
        }
        sent_.pop_front();
        if (is_open_still) {
            complain("JetStream does not answer to what is published to " + url_.subject +
                     "; it is published again");
            send(oldest.number, found->second);
        }
    }
}

void StreamPublisher::send_retries() {
    if (!retry_at_ || Clock::now() < *retry_at_) {
        return;
    }
    retry_at_.reset();
    for (const std::uint64_t number : std::exchange(retries_, {})) {
        if (const auto found = unanswered_.find(number); found != unanswered_.end()) {
            send(number, found->second);
        }
    }
}

void StreamPublisher::take_answer(const Answer& answer) {
    const auto found = unanswered_.find(answer.number);
    if (found == unanswered_.end()) {
        return;  // of one that was published twice
    }
    switch (answer.kind) {
        case Answer::Kind::stored:
            retry_backoff_.reset();
            found->second.publication->stored();
            unanswered_.erase(found);
            return;
        case Answer::Kind::refused:
            found->second.publication->refused(
                "the stream refuses a result of " +
                std::to_string(found->second.publication->data().size()) +
                " bytes: " + answer.text);
            unanswered_.erase(found);
            return;
        case Answer::Kind::try_again:
            put_off(answer.number, answer.text);
            return;
    }
}

void StreamPublisher::put_off(std::uint64_t number, const std::string& reason) {
    complain(url_.subject + " at " + url_.described_servers() + ": " + reason +
             "; it is tried again");
    unanswered_[number].sent_at = {};  // not to be overdue
    retries_.push_back(number);
    if (!retry_at_) {
        retry_at_ = Clock::now() + retry_backoff_.next();
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
    Answer answer{.number = 0, .kind = Answer::Kind::try_again, .text = {}};
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
    if (!json.is_object() || (!json.contains("error") && !json.contains("stream"))) {
        answer.text = "what answers there is not JetStream";
        return answer;
    }
    if (const auto error = json.find("error"); error != json.end()) {
        answer.text = error->value("description", "unknown error");
        if (error->value("err_code", 0) == kMessageTooLarge) {
            answer.kind = Answer::Kind::refused;
        }
        return answer;
    }
    answer.kind = Answer::Kind::stored;
    return answer;
}

}  // namespace drainpipe::nats
