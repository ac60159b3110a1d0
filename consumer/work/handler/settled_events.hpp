#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "descriptor.hpp"
#include "drainpipe/consumer.hpp"
#include "work.hpp"

namespace drainpipe {

// Outcomes on their way from tokens, which any thread may settle, to the work that gave them out.
class SettledEvents {
  public:
    // What `payloads` owns lives as long as this.
    explicit SettledEvents(std::shared_ptr<const void> payloads) : payloads_(std::move(payloads)) {}

    struct Settled {
        std::uint64_t id;
        Outcome outcome;
        bool is_by_default;  // its token went away
        Work::Clock::time_point started_at;
    };

    void add(Settled settled);
    // What a handler has thrown is why the token of that event went away, if it has.
    void explain(std::uint64_t id, const std::exception_ptr& thrown);
    std::vector<Settled> take();
    // Nothing is taken any more.
    void close();

    // Readable while any is settled.
    int wait_fd() const { return wake_.get(); }

  private:
    std::shared_ptr<const void> payloads_;
    std::mutex mutex_;
    std::vector<Settled> settled_;
    bool is_closed_ = false;
    Descriptor wake_ = make_event_descriptor();
};

// What a token stands for.
class TokenBody {
  public:
    // `result` lives until the token is settled.
    TokenBody(const Event& event, std::shared_ptr<SettledEvents> settled, std::string result = {})
        : event_(event), settled_(std::move(settled)), result_(std::move(result)) {}

    const Event& event() const { return event_; }
    std::string_view result() const { return result_; }
    void settle(Outcome outcome, bool is_by_default) {
        settled_->add({event_.id(), std::move(outcome), is_by_default, started_at_});
    }

  private:
    Event event_;
    std::shared_ptr<SettledEvents> settled_;
    std::string result_;
    Work::Clock::time_point started_at_ = Work::Clock::now();
};

}  // namespace drainpipe
