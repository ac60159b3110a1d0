#include "consumer.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <thread>
#include <utility>

#include "earliest.hpp"
#include "gauge.hpp"
#include "poll.hpp"

namespace drainpipe {
namespace {

// Where nothing is begun because there is no lease.
constexpr std::chrono::milliseconds kBetweenLooksAtLease{20};

// Events that are begun together where the work on one takes next to no time.
constexpr std::uint64_t kBegunAhead = 128;

DemandWindow window_of(const Settings& settings) {
    return {static_cast<std::int64_t>(settings.max_demand),
            static_cast<std::int64_t>(settings.min_demand)};
}

RecordLimit limit_of(const Settings& settings) {
    return {settings.log_events_per_second, settings.consumers};
}

// Of work in turn: how long the events of a hand may take before they are committed; into how many
// rows it is parted, between which clock and host are looked at, and how long these may be.
constexpr auto kLongHand = 5 * HandSize::kTime;
constexpr std::uint64_t kRowsInHand = 64;
constexpr std::uint64_t kLongestRow = 64;

// An event that has no other try is not to be begun twice for a neighbour's sake. No more are
// handed out than may be in flight.
std::uint64_t most_in_batch_of(const Work& work, const Settings& settings) {
    return settings.retries == 0
               ? 1
               : std::clamp<std::uint64_t>(work.most_in_batch(), 1, settings.max_demand);
}

// Of work that ends at once or in turn nothing is told.
class NoOutcomes final : public Work::Outcomes {
  public:
    void done(std::uint64_t, std::optional<Work::Clock::duration>) override {}
    void failed(std::uint64_t, std::string_view, std::string_view) override {}
    void dead(std::uint64_t, std::string_view, std::string_view) override {}
};

}  // namespace

Consumer::Consumer(Segment& segment, Delivery& delivery, Work& work, Log& log,
                   DeadLetters& dead_letters, Host& host)
    : segment_(segment),
      delivery_(delivery),
      work_(work),
      activity_(segment.header().activity[delivery.number()]),
      log_(log),
      host_(host),
      is_own_(segment.header().settings.work == WorkKind::stage ||
              segment.header().settings.has_sink != 0),
      run_(segment.identity()),
      event_log_(log, limit_of(segment.header().settings)),
      window_(window_of(segment.header().settings)),
      event_delay_(segment.header().settings.event_delay_microseconds),
      most_in_batch_(most_in_batch_of(work, segment.header().settings)),
      has_no_retries_(segment.header().settings.retries == 0),
      outcomes_(segment, delivery, event_log_, dead_letters,
                [&host](const std::string& what) { host.warn(what); }),
      rate_(segment.header().next_begin,
            std::chrono::nanoseconds(segment.header().settings.begin_interval_nanoseconds)),
      lease_(segment.header()) {
    assert(!lease_.is_needed() || work.ends() == Work::Ends::later);
}

void Consumer::run() {
    activity_.set_jobs(0);  // a killed one's may stand there
    switch (work_.ends()) {
        case Work::Ends::at_once:
            work_at_once();
            break;
        case Work::Ends::in_turn:
            work_in_turn();
            break;
        case Work::Ends::later:
            event_count_ =
                std::make_unique<EventCountDescriptor>(segment_.header().events_available);
            work_later();
            break;
    }
    if (host_.is_draining()) {
        begin_drain();
        drain();
    } else {
        finish_what_is_in_hand();
        delivery_.leave();
    }
    close_work();
    activity_.set_jobs(0);
    event_log_.tell_left_out();
}

void Consumer::drain() {
    switch (work_.ends()) {
        case Work::Ends::at_once:
            drain_at_once();
            break;
        case Work::Ends::in_turn:
            drain_in_turn();
            break;
        case Work::Ends::later:
            drain_later();
            break;
    }
}

void Consumer::work_at_once() {
    const auto is_stopped = [this] { return this->is_stopped(); };
    std::uint64_t asked = window_.first_ask(delivery_.taken_over());
    std::uint64_t done = 0;
    while (!is_stopped()) {
        const std::uint64_t limit = std::min(hand_.events(), window_.chunk_limit());
        Delivery::Chunk chunk = delivery_.turn(done, asked, limit);
        if (chunk.is_empty()) {
            chunk = delivery_.wait(limit, is_stopped);
        }
        done = work_on_hand(chunk, true);
        if (is_cut_off_) {
            break;
        }
        asked = window_.handled(chunk.size());
    }
    delivery_.commit(done);
    delivery_.put_back();
    if (is_cut_off_) {
        delivery_.wait(0, is_stopped);  // what is to come is the stop's business
    }
}

void Consumer::drain_at_once() {
    // No more at a time than may be in flight: that is what a crash may repeat.
    const std::uint64_t most = segment_.header().settings.max_demand;
    std::uint64_t done = 0;
    while (true) {
        if (host_.is_last()) {
            delivery_.expect_no_other();
        }
        const Delivery::Chunk chunk = delivery_.turn(done, 0, std::min(hand_.events(), most));
        if (chunk.is_empty()) {
            break;
        }
        done = work_on_hand(chunk, false);
        if (is_cut_off_) {
            delivery_.commit(done);
            delivery_.leave();
            return;
        }
    }
    end_drain();
}

std::uint64_t Consumer::work_on_hand(const Delivery::Chunk& chunk, bool stoppable) {
    const auto before = std::chrono::steady_clock::now();
    const std::uint64_t done = work_on(chunk, stoppable);
    if (!chunk.is_empty()) {
        hand_.took(chunk.size(), std::chrono::steady_clock::now() - before);
    }
    return done;
}

std::uint64_t Consumer::work_on(const Delivery::Chunk& chunk, bool stoppable) {
    const std::uint64_t together = is_slow() ? 1 : kBegunAhead;
    for (const EventRange& range : chunk.ranges) {
        for (std::uint64_t first = range.first; first < range.last; first += together) {
            if (event_log_.is_full() || (is_slow() && started_ > 0)) {
                delivery_.commit(flush());
            }
            is_cut_off_ = !host_.may_begin();
            if (is_cut_off_ || (stoppable && host_.is_draining())) {
                return flush();
            }
            work_on_begun({first, std::min(range.last, first + together)}, chunk.kind);
        }
    }
    return flush();
}

void Consumer::work_on_begun(EventRange events, CompletionKind kind) {
    delivery_.begin(events);
    begun_.clear();
    for (std::uint64_t number = events.first; number < events.last; ++number) {
        begun_.push_back(event(number));
    }
    if (is_slow()) {
        std::this_thread::sleep_for(event_delay_);
    }
    std::span<const Event> left = begun_;
    while (!left.empty()) {
        const std::size_t started = work_.start(left);
        event_log_.add(kind, left.first(started));
        started_ += started;
        left = left.subspan(started);
        if (!left.empty()) {
            delivery_.commit(flush());
        }
    }
}

std::uint64_t Consumer::flush() {
    if (started_ > 0) {
        NoOutcomes nothing;
        work_.advance(nothing);
        event_log_.flush();
    }
    host_.records_written();
    return std::exchange(started_, 0);
}

void Consumer::work_in_turn() {
    const auto is_stopped = [this] { return this->is_stopped(); };
    std::uint64_t asked = window_.first_ask(delivery_.taken_over());
    while (!is_stopped()) {
        const std::uint64_t limit = std::min(hand_limit(), window_.chunk_limit());
        Delivery::Chunk chunk = delivery_.turn(0, std::exchange(asked, 0), limit);
        if (chunk.is_empty()) {
            chunk = delivery_.wait(limit, is_stopped, outcomes_.next_time());
        }
        work_on_each(chunk, true);
        if (is_cut_off_) {
            delivery_.wait(0, is_stopped);  // what is to come is the stop's business
            break;
        }
        asked = window_.handled(delivery_.take_handled());
    }
    await_letters();
}

void Consumer::drain_in_turn() {
    work_.begin_stop();
    const std::uint64_t most = segment_.header().settings.max_demand;
    while (true) {
        if (host_.is_last()) {
            delivery_.expect_no_other();
        }
        const Delivery::Chunk chunk = delivery_.turn(0, 0, std::min(hand_limit(), most));
        work_on_each(chunk, false);
        if (is_cut_off_ || chunk.is_empty()) {
            await_letters();
        }
        if (is_cut_off_ || (chunk.is_empty() && delivery_.has_held())) {
            delivery_.leave();
            break;
        }
        if (chunk.is_empty() && delivery_.in_hand() == 0) {
            break;
        }
    }
    end_drain();
}

void Consumer::work_on_each(const Delivery::Chunk& chunk, bool stoppable) {
    const auto begun_at = Work::Clock::now();
    const auto until = begun_at + kLongHand;
    std::uint64_t worked_on = 0;
    has_stood_alone_ = false;
    put_back_.clear();
    for (const EventRange& range : chunk.ranges) {
        const std::uint64_t next = !put_back_.empty()   ? range.first
                                   : most_in_batch_ > 1 ? gather_batches(range, until, stoppable)
                                                        : work_on_range(range, until, stoppable);
        worked_on += next - range.first;
        if (next < range.last) {
            put_back_.push_back({next, range.last});
        }
    }
    work_on_batch();
    if (!put_back_.empty()) {
        delivery_.put_back(put_back_);
    }
    commit_told();
    if (worked_on > 0) {
        const Work::Clock::duration took = Work::Clock::now() - begun_at;
        hand_.took(worked_on, took);
        outcomes_.worked(took / worked_on, worked_on);
    }
}

std::uint64_t Consumer::work_on_range(EventRange events, Work::Clock::time_point until,
                                      bool stoppable) {
    Row row{events.first, events.first};
    while (row.next < events.last && may_begin_next(stoppable) && Work::Clock::now() < until) {
        work_on_row(row, std::min(events.last, row.next + row_length()));
        tell_done(row);
        if (row.next < events.last && stands_alone(row.next)) {
            row.first_done = row.next + 1;
            work_alone(row.next++);
        }
    }
    return row.next;
}

void Consumer::work_on_row(Row& row, std::uint64_t last) {
    const std::atomic<bool>& has_news = host_.has_news();
    while (row.next < last && !has_no_retries_ && delivery_.begin_first(row.next)) {
        const std::uint64_t number = row.next++;
        const Event event(number + 1, 1, delivery_.payload(number), run_);
        const Outcome outcome = work_.handle({&event, 1});
        if (outcome.kind() != Outcome::Kind::done) {
            outcomes_.done({row.first_done, number});
            row.first_done = row.next;
            tell(number, outcome);
        }
        if (has_news.load(std::memory_order_relaxed)) {
            return;
        }
    }
}

void Consumer::tell_done(Row& row) {
    outcomes_.done({row.first_done, row.next});
    row.first_done = row.next;
}

std::uint64_t Consumer::gather_batches(EventRange events, Work::Clock::time_point until,
                                       bool stoppable) {
    const auto may_begin = [&] { return may_begin_next(stoppable) && Work::Clock::now() < until; };
    while (events.first < events.last && (!batch_.empty() || may_begin())) {
        const std::uint64_t room = most_in_batch_ - batch_.size();
        const EventRange next{events.first, events.first + std::min(room, events.size())};
        events.first = delivery_.begin_first(next);
        if (events.first > next.first) {
            gather({next.first, events.first});
        }
        if (events.first < next.last || batch_.size() == most_in_batch_) {
            work_on_batch();
        }
        if (events.first < next.last) {
            has_stood_alone_ = true;
            if (!may_begin()) {
                break;
            }
            work_alone(events.first++);
        }
    }
    return events.first;
}

std::uint64_t Consumer::hand_limit() const {
    const std::uint64_t events = hand_.events();
    return has_stood_alone_ ? events
                            : (events + most_in_batch_ - 1) / most_in_batch_ * most_in_batch_;
}

void Consumer::gather(EventRange begun) {
    batch_ranges_.push_back(begun);
    std::uint64_t number = begun.first;
    delivery_.each_payload(
        begun, [&](std::string_view payload) { batch_.emplace_back(++number, 1, payload, run_); });
}

void Consumer::work_on_batch() {
    if (batch_.empty()) {
        return;
    }
    const Outcome outcome = work_.handle({batch_.data(), batch_.size()});
    if (batch_.size() == 1) {
        tell(batch_.front().id() - 1, outcome);
    } else if (outcome.kind() == Outcome::Kind::done) {
        for (const EventRange& range : batch_ranges_) {
            outcomes_.done(range);
        }
    } else {
        for (const Event& event : batch_) {
            outcomes_.failed(event.id(), outcome.text(), "");
        }
    }
    batch_.clear();
    batch_ranges_.clear();
}

std::uint64_t Consumer::row_length() const {
    return std::clamp<std::uint64_t>(hand_.events() / kRowsInHand, 1, kLongestRow);
}

bool Consumer::may_begin_next(bool stoppable) {
    is_cut_off_ = !host_.may_begin();
    return !is_cut_off_ && !(stoppable && is_stopped());
}

bool Consumer::stands_alone(std::uint64_t number) const {
    return has_no_retries_ || delivery_.attempts_begun(number) > 0;
}

void Consumer::work_alone(std::uint64_t number) {
    commit_told();
    if (outcomes_.is_given_up(number + 1)) {
        return;
    }
    delivery_.begin_attempt(number);
    const Event event = failing_event(number);
    tell(number, work_.handle({&event, 1}));
    commit_told();
}

void Consumer::tell(std::uint64_t number, const Outcome& outcome) {
    switch (outcome.kind()) {
        case Outcome::Kind::done:
            outcomes_.done({number, number + 1});
            break;
        case Outcome::Kind::retry:
            outcomes_.failed(number + 1, outcome.text(), "");
            break;
        case Outcome::Kind::dead:
            outcomes_.dead(number + 1, outcome.text(), "");
            break;
    }
}

void Consumer::commit_told() {
    NoOutcomes nothing;
    work_.advance(nothing);
    note_outcomes();
    if (outcomes_.take_count() > 0) {
        delivery_.commit(0);
    }
}

void Consumer::await_letters() {
    while (outcomes_.has_letters()) {
        std::this_thread::sleep_until(outcomes_.next_time().value_or(Work::Clock::now()));
        commit_told();
    }
}

void Consumer::work_later() {
    std::uint64_t asked = window_.first_ask(delivery_.taken_over());
    while (!is_stopped()) {
        const std::uint32_t noted = segment_.header().events_available.prepare_wait();
        const std::uint64_t started = start_more(std::exchange(asked, 0));
        const std::uint64_t ended = advance();
        asked = window_.handled(delivery_.take_handled());
        if (started + ended + asked == 0) {
            wait(noted, true);
        }
    }
}

void Consumer::drain_later() {
    work_.begin_stop();
    while (true) {
        if (host_.is_last()) {
            delivery_.expect_no_other();
        }
        const std::uint32_t noted = segment_.header().events_available.prepare_wait();
        const std::uint64_t started = start_more(0);
        if (started + advance() > 0) {
            continue;
        }
        const bool is_at_work = under_way() > 0;
        const bool waits_for_room =
            !is_cut_off_ && (!to_start_.empty() || (is_full_ && !delivery_.is_drained()));
        if (is_at_work || waits_for_room) {
            wait(noted, false);
        } else if (is_cut_off_ || delivery_.has_held()) {
            delivery_.leave();
            break;
        } else {
            break;
        }
    }
    end_drain();
}

void Consumer::finish_what_is_in_hand() {
    take_no_more();
    work_.begin_stop();
    while (under_way() > 0) {  // what is not begun is given back
        if (advance() == 0) {
            wait(segment_.header().events_available.prepare_wait(), false);
        }
    }
    delivery_.commit(0);
}

void Consumer::close_work() {
    take_no_more();
    work_.close();
    while (!work_.is_closed()) {
        advance();
        if (!work_.is_closed()) {
            wait(segment_.header().events_available.prepare_wait(), false);
        }
    }
}

// From here on it waits for what is under way alone.
void Consumer::take_no_more() { is_full_ = is_cut_off_ = true; }

bool Consumer::is_suspect(std::uint64_t number) const {
    return is_own_ && delivery_.attempts_begun(number) > 0 && !delivery_.waited_for_retry(number);
}

std::uint64_t Consumer::room_at_work() const {
    if (!lease_.is_held()) {
        return 0;
    }
    if (is_suspect_under_way_ && at_work() > 0) {
        return 0;
    }
    return is_simulated() ? std::min<std::uint64_t>(work_.room(), 1) : work_.room();
}

std::uint64_t Consumer::room() {
    is_cut_off_ = !host_.may_begin();
    const std::uint64_t all = is_cut_off_ ? 0 : room_at_work();
    const std::uint64_t room = all - std::min<std::uint64_t>(all, to_start_.size());
    is_full_ = room == 0;
    return room;
}

std::uint64_t Consumer::start_more(std::uint64_t asked) {
    const std::uint64_t room = this->room();
    const std::uint64_t may_begin =
        rate_.is_limited() && room > 0 ? rate_.take(room, Work::Clock::now()) : room;
    const Delivery::Chunk chunk = delivery_.turn(0, asked, may_begin);
    rate_.give_back(may_begin - chunk.size());
    is_held_back_ = may_begin < room && chunk.size() == may_begin;
    for (const EventRange& range : chunk.ranges) {
        for (std::uint64_t number = range.first; number < range.last; ++number) {
            to_start_.push_back(number);
        }
    }
    return start_handed();
}

// What comes again takes more room than what is new where several events share a run: it is begun,
// which counts as an attempt, when there is.
std::uint64_t Consumer::start_handed() {
    std::uint64_t started = 0;
    for (; !to_start_.empty() && !is_cut_off_ && room_at_work() > 0; ++started) {
        const std::uint64_t number = to_start_.front();
        is_suspect_under_way_ = is_suspect(number);
        if (is_suspect_under_way_ && at_work() > 0) {
            break;
        }
        to_start_.pop_front();
        start(number);
    }
    return started;
}

void Consumer::start(std::uint64_t number) {
    if (delivery_.is_withdrawn(number)) {
        outcomes_.give_back(number + 1);
        return;
    }
    if (outcomes_.is_given_up(number + 1)) {
        return;
    }
    delivery_.begin_attempt(number);
    if (is_simulated()) {
        std::this_thread::sleep_for(event_delay_);
    }
    const Event one = event(number);
    [[maybe_unused]] const std::size_t started = work_.start({&one, 1});
    assert(started == 1);
}

std::uint64_t Consumer::advance() {
    try {
        work_.advance(outcomes_);
        activity_.set_jobs(static_cast<std::uint32_t>(work_.jobs()));
    } catch (...) {
        note_outcomes();  // what was told before has had its effect
        delivery_.commit(0);
        throw;
    }
    note_outcomes();
    return outcomes_.take_count();
}

void Consumer::note_outcomes() {
    outcomes_.write_letters();
    event_log_.flush();
    host_.records_written();
}

std::optional<Work::Clock::time_point> Consumer::next_time() const {
    Earliest next;
    next.take(work_.next_time());
    next.take(outcomes_.next_time());
    if (!is_cut_off_ && !is_full_) {
        next.take(is_held_back_ ? rate_.next_time() : delivery_.next_time());
    }
    if (!is_cut_off_ && !lease_.is_held()) {
        next.take(Work::Clock::now() + kBetweenLooksAtLease);
    }
    return next.time();
}

// Where there is room for no other event it does not wait for any.
void Consumer::wait(std::uint32_t noted, bool for_host) {
    if (!is_full_) {
        event_count_->arm(noted);
    } else if (!is_cut_off_ && room_at_work() > 0) {
        return;  // there is now
    }
    std::array<pollfd, 3> waits{{{work_.wait_fd(), POLLIN, 0},
                                 {event_count_->fd(), POLLIN, 0},
                                 {for_host ? host_.wake_fd() : -1, POLLIN, 0}}};
    poll_until(waits, next_time());
    if (waits[1].revents != 0) {
        event_count_->clear();
    }
}

void Consumer::begin_drain() {
    const Delivery::Drain drain = delivery_.begin_drain();
    if (drain.closed_intake) {
        log_.info("intake closed accepted={}",
                  account_of(segment_.header(), segment_.states()).accepted);
    }
    log_.info("terminating in_flight={} buffered={}", drain.in_flight, drain.buffered);
    if (rate_.is_limited()) {
        rate_.lift();
        log_.info("rate lifted: nothing holds the drain back");
    }
}

void Consumer::end_drain() {
    event_log_.tell_left_out();
    if (delivery_.is_drained()) {
        log_.info("drained all");
    }
}

}  // namespace drainpipe
