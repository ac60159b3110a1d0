#include "sink_work.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <exception>
#include <string_view>
#include <utility>
#include <vector>

#include "failure.hpp"
#include "jobs_limit.hpp"
#include "outcome_lines.hpp"

namespace drainpipe {
namespace {

void watch_readable(const Descriptor& epoll, int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
        throw_errno("cannot watch a descriptor");
    }
}

}  // namespace

// What the work tells: what is done has its result handed on.
class SinkWork::WorkOutcomes final : public Work::Outcomes {
  public:
    WorkOutcomes(SinkWork& sink, Outcomes& outcomes) : sink_(sink), outcomes_(outcomes) {}

    void worked(Clock::duration each, std::uint64_t events) override {
        outcomes_.worked(each, events);
    }
    void done(std::uint64_t id, std::optional<Clock::duration> took) override {
        KeptResults::Kept kept = sink_.results_.take(id);
        if (!kept.failure.empty()) {
            failed(id, "its result can't be kept: " + kept.failure, "");
            return;
        }
        Held& held = sink_.held_.at(id);
        held.took = took;
        sink_.hand_on(held, std::move(kept.text));
    }
    void failed(std::uint64_t id, std::string_view reason, std::string_view errors) override {
        sink_.forget(id);
        outcomes_.failed(id, reason, errors);
    }
    void dead(std::uint64_t id, std::string_view reason, std::string_view errors) override {
        sink_.forget(id);
        outcomes_.dead(id, reason, errors);
    }

  private:
    SinkWork& sink_;
    Outcomes& outcomes_;
};

SinkWork::SinkWork(Options options, const MakeWork& make_work, SinkHandler handler,
                   LineOutput& output)
    : options_(std::move(options)),
      work_(make_work(results_)),
      handler_(std::move(handler)),
      output_(output),
      settled_(std::make_shared<SettledEvents>(options_.payloads)),
      epoll_(make_epoll_descriptor()) {
    watch_readable(epoll_, settled_->wait_fd());
    if (work_) {
        watch_readable(epoll_, work_->wait_fd());
    }
}

SinkWork::~SinkWork() { settled_->close(); }

std::size_t SinkWork::room() const {
    if (bytes_ >= kMostBytes || held_.size() >= options_.most) {
        return 0;
    }
    const std::size_t room = options_.most - held_.size();
    return work_ ? std::min(room, work_->room()) : room;
}

std::size_t SinkWork::start(std::span<const Event> events) {
    for (const Event& event : events) {
        Held& held = held_.insert_or_assign(event.id(), Held{event}).first->second;
        if (!work_) {
            hand_on(held, {});
        }
    }
    return work_ ? work_->start(events) : events.size();
}

void SinkWork::hand_on(Held& held, std::string result) {
    held.bytes = result.size();
    bytes_ += held.bytes;
    auto body = std::make_unique<TokenBody>(held.event, settled_, std::move(result));
    const std::string_view shown = body->result().empty() ? held.event.payload() : body->result();
    try {
        handler_(Token(std::move(body)), shown);
    } catch (...) {
        settled_->explain(held.event.id(), std::current_exception());
    }
}

void SinkWork::advance(Outcomes& outcomes) {
    if (work_) {
        WorkOutcomes handing_on(*this, outcomes);
        try {
            work_->advance(handing_on);
        } catch (...) {
            take_settled(outcomes);  // what is stored has had its effect
            throw;
        }
    }
    take_settled(outcomes);
}

void SinkWork::take_settled(Outcomes& outcomes) {
    const std::vector<SettledEvents::Settled> settled = settled_->take();
    for (const SettledEvents::Settled& each : settled) {
        append_line(lines_, each.outcome);
    }
    write_lines(lines_, output_);
    const Clock::time_point now = Clock::now();
    for (const SettledEvents::Settled& each : settled) {
        const std::optional<Clock::duration> took = held_.at(each.id).took;
        forget(each.id);
        if (!work_) {
            outcomes.worked(now - each.started_at, 1);
        }
        tell(outcomes, each.id, each.outcome, took);
    }
}

void SinkWork::forget(std::uint64_t id) {
    const auto found = held_.find(id);
    bytes_ -= found->second.bytes;
    held_.erase(found);
}

void SinkWork::begin_stop() {
    if (work_) {
        work_->begin_stop();
    }
}

void SinkWork::close() {
    if (work_) {
        work_->close();
    }
}

std::optional<Work::Clock::time_point> SinkWork::next_time() const {
    return work_ ? work_->next_time() : std::nullopt;
}

}  // namespace drainpipe
