#include "event_outcomes.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <random>
#include <system_error>
#include <utility>

namespace drainpipe {
namespace {

// 2026-11-22T17:40:01.123456Z
std::string time_now() {
    using namespace std::chrono;
    const auto now = floor<microseconds>(system_clock::now());
    const auto second = floor<seconds>(now);
    const std::time_t time = system_clock::to_time_t(second);
    std::tm parts{};
    ::gmtime_r(&time, &parts);
    char text[sizeof "2026-11-22T17:40:01"];
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    return fmt::format("{}.{:06}Z", text, (now - second).count());
}

Backoff backoff_of(const Settings& settings) {
    return {std::chrono::microseconds(settings.backoff_microseconds),
            std::chrono::microseconds(settings.backoff_max_microseconds), std::random_device{}()};
}

// What fails in a batch may be in bad company: it has one try alone in any case.
std::uint32_t retries_of(const Settings& settings) {
    return std::max<std::uint32_t>(settings.retries, settings.batch > 1 ? 1 : 0);
}

}  // namespace

EventOutcomes::EventOutcomes(Segment& segment, Delivery& delivery, EventLog& log,
                             DeadLetters& dead_letters,
                             std::function<void(const std::string&)> warn)
    : delivery_(delivery),
      activity_(segment.header().activity[delivery.number()]),
      log_(log),
      warn_(std::move(warn)),
      may_fail_(segment.header().settings.may_fail()),
      retries_(retries_of(segment.header().settings)),
      run_(segment.identity()),
      dead_letters_(dead_letters),
      backoff_(backoff_of(segment.header().settings)) {}

void EventOutcomes::done(std::uint64_t id, std::optional<Work::Clock::duration> took) {
    const CompletionKind kind = delivery_.done({id - 1, id});
    const Event event = this->event(id);
    log_.add(kind, {&event, 1}, took);
    ++count_;
}

void EventOutcomes::done(EventRange events) {
    if (events.size() == 0) {
        return;
    }
    const CompletionKind kind = delivery_.done(events);
    done_.clear();
    for (std::uint64_t number = events.first; number < events.last && !log_.is_off(); ++number) {
        done_.push_back(event(number + 1));
    }
    log_.is_off() ? log_.leave_out(events.size()) : log_.add(kind, done_);
    count_ += events.size();
}

void EventOutcomes::failed(std::uint64_t id, std::string_view reason, std::string_view errors) {
    if (!may_try_again(id)) {
        dead(id, reason, errors);
        return;
    }
    const Event event = this->event(id);
    const Backoff::Duration pause = backoff_.pause(event.attempt());
    const bool is_tried_again = delivery_.has_another_try(id - 1);
    log_.add_warning(
        failed_record(event, reason, is_tried_again ? std::optional(pause) : std::nullopt));
    delivery_.failed(id - 1, Work::Clock::now() + pause);  // from the record's time on
    ++count_;
}

void EventOutcomes::dead(std::uint64_t id, std::string_view reason, std::string_view errors) {
    const Event event = this->event(id);
    letters_.push_back({.id = id,
                        .run = run_,
                        .time = time_now(),
                        .attempts = event.attempt(),
                        .reason = std::string(reason),
                        .payload = std::string(event.payload()),
                        .errors = std::string(errors),
                        .attributes = std::string(event.attributes())});
}

bool EventOutcomes::is_given_up(std::uint64_t id) {
    if (!may_fail_ || delivery_.attempt(id - 1) == 0) {
        return false;
    }
    if (!delivery_.waited_for_retry(id - 1) && has_letter(id)) {
        const Event event = this->event(id);
        delivery_.dead(id - 1);
        log_.add_warning(dead_record(event, "its dead letter was written before"));
        ++count_;
        return true;
    }
    if (may_try_again(id)) {
        return false;
    }
    // It may have had more retries in an earlier run.
    dead(id, delivery_.waited_for_retry(id - 1) ? "no tries are left" : "its consumer died", "");
    return true;
}

// Where it can't be read it is not known: the event has another try, or a second letter with more
// attempts.
bool EventOutcomes::has_letter(std::uint64_t id) {
    const Work::Clock::time_point now = Work::Clock::now();
    if (!read_at_ || now - *read_at_ >= kBetweenTries) {
        try {
            written_before_ = dead_letters_.ids_of(run_);
        } catch (const std::exception& error) {
            warn_(std::string("cannot read dead letters: ") + error.what());
        }
        read_at_ = Work::Clock::now();
    }
    return written_before_.contains(id);
}

void EventOutcomes::write_letters() {
    const Work::Clock::time_point now = Work::Clock::now();
    if (letters_.empty() || (try_at_ && now < *try_at_)) {
        return;
    }
    if (!try_write()) {
        try_at_ = now + kBetweenTries;
        return;
    }
    try_at_.reset();
    is_warned_ = false;
    for (const DeadLetter& letter : letters_) {
        const Event event = this->event(letter.id);
        delivery_.dead(letter.id - 1);
        log_.add_warning(dead_record(event, letter.reason));
        ++count_;
    }
    letters_.clear();
}

bool EventOutcomes::try_write() {
    try {
        return dead_letters_.try_append(letters_);
    } catch (const std::exception& error) {
        if (!std::exchange(is_warned_, true)) {
            warn_(std::string("cannot write dead letters: ") + error.what() +
                  ": their events wait until it can be done");
        }
        return false;
    }
}

std::optional<Work::Clock::time_point> EventOutcomes::next_time() const {
    return letters_.empty() ? std::nullopt : try_at_;
}

}  // namespace drainpipe
