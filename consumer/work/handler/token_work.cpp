#include "token_work.hpp"

#include <sys/eventfd.h>

#include <exception>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "descriptor.hpp"
#include "outcome_lines.hpp"

namespace drainpipe {

// Outcomes on their way from the tokens to the consumer.
class SettledEvents {
  public:
    explicit SettledEvents(std::shared_ptr<const void> payloads) : payloads_(std::move(payloads)) {}

    struct Settled {
        std::uint64_t id;
        Outcome outcome;
        bool is_by_default;  // its token went away
        Work::Clock::time_point started_at;
    };

    void add(Settled settled) {
        const std::lock_guard guard(mutex_);
        if (is_closed_) {
            return;
        }
        settled_.push_back(std::move(settled));
        if (settled_.size() == 1) {
            ::eventfd_write(wake_.get(), 1);
        }
    }

    // Why the token of that event went away, if it has.
    void explain(std::uint64_t id, const std::string& reason) {
        const std::lock_guard guard(mutex_);
        for (Settled& settled : settled_) {
            if (settled.id == id && settled.is_by_default) {
                settled.outcome = retry(reason);
            }
        }
    }

    std::vector<Settled> take() {
        const std::lock_guard guard(mutex_);
        eventfd_t ignored = 0;
        if (!settled_.empty()) {
            ::eventfd_read(wake_.get(), &ignored);
        }
        return std::exchange(settled_, {});
    }

    void close() {
        const std::lock_guard guard(mutex_);
        is_closed_ = true;
    }

    int wait_fd() const { return wake_.get(); }

  private:
    std::shared_ptr<const void> payloads_;
    std::mutex mutex_;
    std::vector<Settled> settled_;
    bool is_closed_ = false;
    Descriptor wake_ = make_event_descriptor();  // readable while any is settled
};

class TokenBody {
  public:
    TokenBody(const Event& event, std::shared_ptr<SettledEvents> settled)
        : event_(event), settled_(std::move(settled)) {}

    const Event& event() const { return event_; }
    void settle(Outcome outcome, bool is_by_default) {
        settled_->add({event_.id(), std::move(outcome), is_by_default, started_at_});
    }

  private:
    Event event_;
    std::shared_ptr<SettledEvents> settled_;
    Work::Clock::time_point started_at_ = Work::Clock::now();
};

namespace {

// What a handler throws is the reason that its token goes away.
const char* reason_of(const std::exception_ptr& thrown) {
    try {
        std::rethrow_exception(thrown);
    } catch (const std::exception& error) {
        return error.what();
    } catch (...) {
        return "an exception that is no std::exception";
    }
}

}  // namespace

Token::Token(std::unique_ptr<TokenBody> body) : body_(std::move(body)) {}
Token::Token(Token&&) noexcept = default;

Token& Token::operator=(Token&& other) noexcept {
    Token former(std::move(*this));
    body_ = std::move(other.body_);
    return *this;
}

Token::~Token() {
    if (body_) {
        body_->settle(retry("its token went away without an outcome"), true);
    }
}

const Event& Token::event() const { return body_->event(); }

void Token::settle(Outcome outcome) {
    body_->settle(std::move(outcome), false);
    body_.reset();
}

TokenWork::TokenWork(AsyncHandler handler, std::size_t window, LineOutput& output,
                     std::shared_ptr<const void> payloads)
    : handler_(std::move(handler)),
      window_(window),
      output_(output),
      settled_(std::make_shared<SettledEvents>(std::move(payloads))) {}

TokenWork::~TokenWork() { settled_->close(); }

int TokenWork::wait_fd() const { return settled_->wait_fd(); }

std::size_t TokenWork::start(std::span<const Event> events) {
    for (const Event& event : events) {
        start_one(event);
    }
    return events.size();
}

void TokenWork::start_one(const Event& event) {
    ++out_;
    Token token(std::make_unique<TokenBody>(event, settled_));
    try {
        handler_(std::move(token));
    } catch (...) {
        settled_->explain(event.id(), reason_of(std::current_exception()));
    }
}

void TokenWork::advance(Outcomes& outcomes) {
    const std::vector<SettledEvents::Settled> settled = settled_->take();
    for (const SettledEvents::Settled& each : settled) {
        append_line(lines_, each.outcome);
    }
    write_lines(lines_, output_);
    const Clock::time_point now = Clock::now();
    for (const SettledEvents::Settled& each : settled) {
        --out_;
        outcomes.worked(now - each.started_at, 1);
        tell(outcomes, each.id, each.outcome);
    }
}

}  // namespace drainpipe
