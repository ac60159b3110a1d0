#include "token_work.hpp"

#include <exception>
#include <utility>
#include <vector>

#include "outcome_lines.hpp"
#include "settled_events.hpp"

namespace drainpipe {

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
        settled_->explain(event.id(), std::current_exception());
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
