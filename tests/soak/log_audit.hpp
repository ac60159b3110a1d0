#pragma once

// The log of a round by itself: whole records, ids without a gap in each life of the segment (where
// every consumer gets every event, for each of them), repeats marked and few, and the accounts of
// the runs that came to one.
//
// A life of the segment ends where a summary, or the next start's recovery, says that nothing is
// left: behind it ids start anew.

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "harness/record_log.hpp"
#include "plan.hpp"

namespace soak {

class LogAudit {
  public:
    // An event of one life, at the place of its first record.
    struct Event {
        std::string_view payload;  // as the log shows it
        std::uint64_t most_times;  // that it may have been put out
    };

    // `log` has to outlive it.
    LogAudit(const harness::RecordLog& log, const Plan& plan, bool had_kills);

    [[nodiscard]] const std::string& fault() const { return fault_; }
    [[nodiscard]] const std::vector<Event>& events() const { return events_; }
    // Records of an attempt above 1.
    [[nodiscard]] std::uint64_t marked() const { return marked_; }

  private:
    // The ids of a run's records.
    struct Ids {
        pid_t launcher = 0;  // who recovered
        std::uint64_t recovered = 0;
        std::set<std::uint64_t> seen;
    };

    void follow_lives(const std::vector<harness::EventRecord>& events);
    // A life's records of events; where every consumer gets every event by consumer.
    using Life = std::map<std::string_view, std::vector<harness::EventRecord>>;

    void take_life(const Life& life);
    void check_life(const Life& life, std::uint64_t highest);
    void take_event(std::size_t index, const harness::EventRecord& record);
    void count_marked(const std::vector<harness::EventRecord>& records, bool had_kills);
    void check_account(const harness::Record& summary, const Ids& ids);
    void fail(const std::string& what);

    const harness::RecordLog& log_;
    const Plan& plan_;
    std::vector<Event> events_;
    std::uint64_t marked_ = 0;
    std::string fault_;
};

}  // namespace soak
