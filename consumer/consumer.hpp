#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "begin_rate.hpp"
#include "delivery.hpp"
#include "demand_window.hpp"
#include "event_count_descriptor.hpp"
#include "event_log.hpp"
#include "event_outcomes.hpp"
#include "hand_size.hpp"
#include "lease.hpp"
#include "work.hpp"

namespace drainpipe {

// Asks for events, has the work done on each, commits. When it should leave it finishes what is in
// hand and gives the rest back; when the pipeline drains it empties what is in flight to it, maps
// its share of what is still buffered, and works until nothing is left to be had.
class Consumer {
  public:
    // What the loop asks of the process around it.
    class Host {
      public:
        virtual ~Host() = default;

        virtual bool should_leave() const = 0;
        virtual bool is_draining() const = 0;
        // No process is started any more in the place of another one.
        virtual bool is_last() const = 0;
        // Whether there is time to begin another event before the stop's deadline.
        virtual bool may_begin() const = 0;
        // Set before one of these three becomes true, unless by a target count or the deadline.
        virtual const std::atomic<bool>& has_news() const = 0;
        // Readable once this process was asked to leave or is_last() has become true; a target
        // count that it is above is seen at the next wake-up.
        virtual int wake_fd() const = 0;
        // Records were written; some may have been lost.
        virtual void records_written() = 0;
        // Says it in the log and on standard error.
        virtual void warn(const std::string& what) = 0;
    };

    // All of them outlive this object.
    Consumer(Segment& segment, Delivery& delivery, Work& work, Log& log, DeadLetters& dead_letters,
             Host& host);

    // Returns when it has left or drained.
    void run();

  private:
    // Of work that ends at once. Each works until it should leave, the pipeline drains, or the
    // deadline is too near to begin another event.
    void work_at_once();
    void drain_at_once();
    // Does the work on the chunk, and returns how many of its events, the last ones, are done but
    // not committed; learns how long it takes. Stops early where `stoppable` and the pipeline
    // drains, or where the deadline is near.
    std::uint64_t work_on_hand(const Delivery::Chunk& chunk, bool stoppable);
    std::uint64_t work_on(const Delivery::Chunk& chunk, bool stoppable);
    // Begins these events and does the work on them, which adds to what is started.
    void work_on_begun(EventRange events, CompletionKind kind);
    // What was started has had its effect, and is logged; returns how many events those are.
    std::uint64_t flush();

    // Of work that ends in turn.
    void work_in_turn();
    void drain_in_turn();
    // Does the work on the chunk and commits it; learns how long it takes. Stops early as
    // work_on_hand() does, and where it takes longer than it should: what is not begun is put back.
    void work_on_each(const Delivery::Chunk& chunk, bool stoppable);
    // Returns the first event that was not begun.
    std::uint64_t work_on_range(EventRange events, Work::Clock::time_point until, bool stoppable);
    // Begins the next of these events that are done in a row, as far as nothing else is to be seen
    // to; those from `first_done` on are done and not told.
    struct Row {
        std::uint64_t first_done;
        std::uint64_t next;
    };
    void work_on_row(Row& row, std::uint64_t last);
    void tell_done(Row& row);
    // The same for events that are worked on in batches: those that are begun gather, over ranges,
    // until a batch is full.
    std::uint64_t gather_batches(EventRange events, Work::Clock::time_point until, bool stoppable);
    void gather(EventRange begun);
    // Does the work on what has gathered.
    void work_on_batch();
    // How many events are taken in hand at a time: whole batches, but where events stand alone, of
    // which another consumer may do the next one.
    std::uint64_t hand_limit() const;
    // How many events are begun between two looks at the clock and the host: what took next to no
    // time so far.
    std::uint64_t row_length() const;
    // Whether the next event is to be begun.
    bool may_begin_next(bool stoppable);
    // Whether an event is committed before the next one is begun: one that was begun before may
    // have ended its process, and one that has no other try is not to be begun twice for a
    // neighbour's sake.
    bool stands_alone(std::uint64_t number) const;
    void work_alone(std::uint64_t number);
    void tell(std::uint64_t number, const Outcome& outcome);
    void commit_told();
    // Until the dead letters that wait can be written.
    void await_letters();

    // Of work that ends later.
    void work_later();
    void drain_later();
    void finish_what_is_in_hand();
    void take_no_more();
    // Has what the work keeps running end.
    void close_work();
    // Starts what there is room for; how many events that were.
    std::uint64_t start_more(std::uint64_t asked);
    // Begins what was handed out and is not begun, as far as there is room for it.
    std::uint64_t start_handed();
    // How many events the work can take now, and how many more than are handed out.
    std::uint64_t room_at_work() const;
    std::uint64_t room();
    // Whether it may have ended its process, and is not to take others with it that have done
    // nothing.
    bool is_suspect(std::uint64_t number) const;
    // How many events are begun and have no outcome.
    std::uint64_t under_way() const { return delivery_.in_hand() - to_start_.size(); }
    // The same without those whose dead letters wait to be written.
    std::uint64_t at_work() const { return under_way() - outcomes_.letters(); }
    void start(std::uint64_t number);
    // Has the work advance; how many events have had an outcome.
    std::uint64_t advance();
    // Logs and writes down what was told.
    void note_outcomes();
    // Until the event count was notified after `noted`, the work has something to do, or the host.
    void wait(std::uint32_t noted, bool for_host);
    std::optional<Work::Clock::time_point> next_time() const;

    void begin_drain();
    void drain();
    void end_drain();
    Event event(std::uint64_t number) const {
        return {number + 1, delivery_.attempt(number), delivery_.payload(number), run_,
                delivery_.attributes(number)};
    }
    // The same where work may fail.
    Event failing_event(std::uint64_t number) const {
        return {number + 1, delivery_.attempts_begun(number), delivery_.payload(number), run_,
                delivery_.attributes(number)};
    }
    bool is_stopped() const { return host_.should_leave() || host_.is_draining(); }
    bool is_slow() const { return event_delay_.count() > 0; }
    // The same where the work ends later: printing alone has such a delay.
    bool is_simulated() const {
        return is_slow() && segment_.header().settings.work == WorkKind::print;
    }

    Segment& segment_;
    Delivery& delivery_;
    Work& work_;
    ConsumerActivity& activity_;
    Log& log_;
    Host& host_;
    bool is_own_;  // a user's function is, or ends, the work, in this process
    std::string run_;
    EventLog event_log_;
    DemandWindow window_;
    HandSize hand_;
    std::chrono::microseconds event_delay_;
    std::uint64_t most_in_batch_;  // where work ends in turn
    bool has_no_retries_;          // an event has one attempt
    EventOutcomes outcomes_;
    BeginRate rate_;
    Lease lease_;
    std::unique_ptr<EventCountDescriptor> event_count_;  // where work ends later
    std::deque<std::uint64_t> to_start_;                 // in hand, later, and not begun
    bool is_suspect_under_way_ = false;                  // it is alone then
    bool is_full_ = false;                               // there is room for no other event
    bool is_held_back_ = false;                          // by the rate alone
    std::vector<Event> begun_;                           // at once, and not all of them started
    std::vector<EventRange> put_back_;                   // in turn, while it is
    std::vector<Event> batch_;                           // in turn: begun, and not worked on
    std::vector<EventRange> batch_ranges_;               // the same, as they were handed out
    bool has_stood_alone_ = false;                       // in turn: one of the last hand
    std::uint64_t started_ = 0;  // at once, and neither printed nor logged yet
    bool is_cut_off_ = false;    // the deadline is too near
};

}  // namespace drainpipe
