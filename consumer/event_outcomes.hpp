#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "backoff.hpp"
#include "dead_letters.hpp"
#include "delivery.hpp"
#include "event_log.hpp"
#include "work.hpp"

namespace drainpipe {

// Takes the outcomes of work that ends later: logs each and tells the ring. What has failed is
// tried again after a pause while attempts are left. What is given up gets its dead letter first,
// written and synced; until that can be had (a full disk) it stays in hand.
class EventOutcomes final : public Work::Outcomes {
  public:
    // How long until a letter that could not be written is tried again.
    static constexpr std::chrono::milliseconds kBetweenTries{100};

    // Counts work for the consumer of that number, from 0. `warn` says it in the log and on
    // standard error. All of them outlive this object.
    EventOutcomes(Segment& segment, Delivery& delivery, EventLog& log, DeadLetters& dead_letters,
                  std::function<void(const std::string&)> warn);

    // The same for events that were handed out in one range.
    void done(EventRange events);

    void done(std::uint64_t id, std::optional<Work::Clock::duration> took) override;
    void failed(std::uint64_t id, std::string_view reason, std::string_view errors) override;
    void dead(std::uint64_t id, std::string_view reason, std::string_view errors) override;

    void worked(Work::Clock::duration each, std::uint64_t events) override {
        activity_.count_work(each, events);
    }

    // Its source has withdrawn it. Requires that it is in hand, and not begun by this process.
    void give_back(std::uint64_t id) {
        delivery_.give_back(id - 1);
        ++count_;
    }

    // Gives events up that were begun before and can't be begun again: because their attempts were
    // used up by processes that died, or because a dead one had written their letter already.
    // Whether this one is such. Requires that it is in hand, and not begun by this process.
    bool is_given_up(std::uint64_t id);

    // Writes the letters that wait, and settles their events. To be called after outcomes were
    // told.
    void write_letters();
    std::size_t letters() const { return letters_.size(); }
    bool has_letters() const { return !letters_.empty(); }
    // When to call it again, if any wait.
    std::optional<Work::Clock::time_point> next_time() const;

    // How many events had an outcome since this was asked last.
    std::uint64_t take_count() { return std::exchange(count_, 0); }

  private:
    Event event(std::uint64_t id) const {
        return {id, delivery_.attempt(id - 1), delivery_.payload(id - 1), run_,
                delivery_.attributes(id - 1)};
    }
    bool may_try_again(std::uint64_t id) const { return delivery_.attempt(id - 1) <= retries_; }
    bool try_write();
    // Whether a process of before has written its letter.
    bool has_letter(std::uint64_t id);

    Delivery& delivery_;
    ConsumerActivity& activity_;
    EventLog& log_;
    std::function<void(const std::string&)> warn_;
    bool may_fail_;
    std::uint32_t retries_;
    std::string run_;
    DeadLetters& dead_letters_;
    Backoff backoff_;
    std::vector<DeadLetter> letters_;  // that wait
    std::vector<Event> done_;          // while they are logged
    std::optional<Work::Clock::time_point> try_at_;
    bool is_warned_ = false;
    std::set<std::uint64_t> written_before_;  // as it was a moment ago
    std::optional<Work::Clock::time_point> read_at_;
    std::uint64_t count_ = 0;
};

}  // namespace drainpipe
