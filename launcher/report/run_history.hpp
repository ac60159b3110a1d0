#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "log_record.hpp"
#include "moments.hpp"
#include "timeline.hpp"

namespace drainpipe {

// What became of the events of a run, as its summary has it.
// accepted = processed + emptied + drained + dead + left, or the log is not whole.
struct RunAccount {
    std::uint64_t accepted = 0;
    std::uint64_t processed = 0;
    std::uint64_t emptied = 0;
    std::uint64_t drained = 0;
    std::uint64_t dead = 0;
    std::uint64_t left = 0;
    std::uint64_t redelivered = 0;
    std::uint64_t retried = 0;

    std::uint64_t done() const { return processed + emptied + drained; }
    std::uint64_t settled() const { return done() + dead; }
};

// The records of one process, which are in the order in which they were written.
struct Heard {
    std::int64_t pid = 0;
    Microseconds first = 0;
    Microseconds last = 0;
};

// What the log says of the producer or of a consumer.
struct StageHistory {
    struct Gap {
        Microseconds from;
        Microseconds to;
    };

    Counts totals{};
    std::uint64_t left_out = 0;   // events without a record of their own
    std::uint64_t ring_full = 0;  // the producer's warnings
    std::optional<std::uint64_t> lowest_id;
    std::uint64_t highest_id = 0;
    std::optional<Microseconds> last_event;
    std::optional<Microseconds> told_left_out;
    Heard heard;
    std::optional<Microseconds> ended;  // its latest process that has
    std::int64_t ended_pid = 0;
    bool has_died = false;                   // it was no end in order
    std::optional<Microseconds> seen_again;  // the first record of the one that followed
    std::vector<Gap> gaps;  // between a death and the start that followed; the first kMostGaps
};

// The stop, as far as it got.
struct StopHistory {
    std::optional<Microseconds> begun;
    std::string reason;
    std::optional<Microseconds> grace;
    std::optional<Microseconds> intake_closed;
    std::optional<Microseconds> terminating;
    std::uint64_t in_flight = 0;
    std::uint64_t buffered = 0;
    std::optional<Microseconds> emptied;  // the last event that was
    std::optional<Microseconds> drained;
    std::optional<Microseconds> summary;
};

// One run of a pipeline, in memory that its length and its number of events don't change.
class RunHistory {
  public:
    static constexpr std::size_t kMostGaps = 256;
    static constexpr std::size_t kMostReasons = 12;
    static constexpr std::size_t kMostStandings = 1024;

    // What was so many at a time.
    struct Point {
        Microseconds time;
        std::uint64_t number;
    };
    // What a record says of all events up to its time.
    struct Standing {
        Microseconds time;
        std::uint64_t accepted;
        std::optional<std::uint64_t> done;
        std::uint64_t dead;  // 0 where `done` is not told
        // What the log had by then: of all consumers, and of the one that had the least.
        std::uint64_t records = 0;
        std::uint64_t least_records = 0;
    };
    // How long the work on the events took whose record says so.
    struct Work {
        std::uint64_t events = 0;
        double seconds = 0;
        Microseconds longest = 0;
    };

    // `is_from_beginning`: nothing of it was written before the first record.
    RunHistory(const LogRecord& first, bool is_from_beginning);

    // Whether the record can be of this run, and not of one that follows it.
    bool goes_on_with(const LogRecord& record) const;
    void take(const LogRecord& record);
    // That all records were taken.
    void finish();
    // That a later run of the name follows in the log.
    void end_before_next() { has_successor_ = true; }
    // That the run that follows found so many events left.
    void note_left(std::uint64_t events) { left_ = events; }

    const std::string& name() const { return name_; }
    const std::string& identity() const { return identity_; }
    const std::string& source() const { return source_; }
    Microseconds begin() const { return timeline_.begin(); }
    Microseconds end() const { return end_; }
    bool is_from_beginning() const { return is_from_beginning_; }
    bool has_successor() const { return has_successor_; }
    // Of a run without a summary, as far as the next one told.
    const std::optional<std::uint64_t>& left() const { return left_; }
    const std::optional<Microseconds>& ready() const { return ready_; }
    const std::optional<std::uint64_t>& recovered() const { return recovered_; }
    const StopHistory& stop() const { return stop_; }
    const std::optional<RunAccount>& account() const { return account_; }
    Program accountant() const { return accountant_; }
    const std::string& first_error() const { return first_error_; }
    const Work& work() const { return work_; }
    // The clock by which the log has its times was set back, or far ahead.
    bool has_clock_jumped() const { return has_clock_jumped_; }

    // Number 0 is the producer, the others are the consumers by their numbers.
    const std::vector<StageHistory>& stages() const { return stages_; }
    const Timeline& timeline() const { return timeline_; }
    // The same from the stop on; nothing before one began.
    const std::optional<Timeline>& stop_timeline() const { return stop_timeline_; }
    // In the order of the log, exact.
    const std::vector<Standing>& standings() const { return standings_; }
    // Consumers that were asked for.
    const std::vector<Point>& scalings() const { return scalings_; }

    const Moments& moments() const { return moments_; }    // but for the failures
    const Moments& failures() const { return failures_; }  // and dead letters
    const std::map<std::string, std::uint64_t>& reasons() const { return reasons_; }
    std::uint64_t other_reasons() const { return other_reasons_; }

  private:
    void take_event(const LogRecord& record, const LoggedEvent& event);
    void take_failure(const LogRecord& record, const LoggedEvent& event);
    void take_word(const LogRecord& record);
    bool take_launcher(const LogRecord& record);
    bool take_stage(const LogRecord& record);
    void take_ready(const LogRecord& record);
    void take_stopping(const LogRecord& record);
    void take_exit(const LogRecord& record);
    void take_summary(const LogRecord& record);
    void take_terminating(const LogRecord& record);
    void take_left_out(const LogRecord& record);

    StageHistory& stage(std::size_t lane);
    StageHistory& speaking_stage(const LogRecord& record);
    void count(Microseconds time, std::size_t lane, Count what, std::uint64_t count = 1);
    void hear(const LogRecord& record);
    void note_start(Microseconds time, std::size_t lane);
    void note(Standing standing);
    void say(const LogRecord& record, Moment::Kind kind);

    std::string name_;
    std::string identity_;
    std::string source_;
    std::int64_t launcher_pid_ = 0;
    bool is_from_beginning_;
    bool has_successor_ = false;
    std::optional<std::uint64_t> left_;
    Microseconds end_;
    std::optional<Microseconds> ready_;
    std::optional<std::uint64_t> recovered_;
    StopHistory stop_;
    std::optional<RunAccount> account_;
    Program accountant_ = Program::launcher;
    std::string first_error_;
    Work work_;
    Heard launcher_heard_;
    bool has_clock_jumped_ = false;
    std::vector<StageHistory> stages_{1};
    Timeline timeline_;
    std::optional<Timeline> stop_timeline_;
    std::vector<Standing> standings_;
    std::vector<Point> scalings_;
    Moments moments_{120};
    Moments failures_{24};
    std::map<std::string, std::uint64_t> reasons_;
    std::uint64_t other_reasons_ = 0;
};

}  // namespace drainpipe
