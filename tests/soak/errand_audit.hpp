#pragma once

// The account of a round whose events are worked on by errands, over all its runs: every accepted
// event has an outcome, a success or a dead letter; none has a second one unless the first one's
// consumer was killed before it could commit it, and then with a higher attempt; what the errands
// have noted as their effects is what the log tells, and no attempt has had two; within a key the
// first effects are in order; what is put out is of successes.

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "death_audit.hpp"
#include "harness/record_log.hpp"
#include "plan.hpp"
#include "receipt.hpp"
#include "room.hpp"

namespace soak {

class ErrandAudit {
  public:
    ErrandAudit(const Room& room, const Plan& plan, const std::vector<Receipt>& receipts,
                const Signals& sent);

    // The first thing that is wrong, in words; empty when all is well.
    [[nodiscard]] const std::string& fault() const { return fault_; }
    [[nodiscard]] std::uint64_t events() const { return events_.size(); }
    // Successes beyond the first one of an event.
    [[nodiscard]] std::uint64_t repeats() const { return repeats_; }
    // Records of an attempt above 1.
    [[nodiscard]] std::uint64_t marked() const { return marked_; }
    [[nodiscard]] std::uint64_t letters() const { return letters_; }

  private:
    struct Success {
        std::uint64_t attempt;
        pid_t consumer;
    };
    struct Letter {
        std::uint64_t attempts;
        std::string reason;
    };
    struct Event {
        std::set<std::uint64_t> ids;
        std::set<std::string> runs;
        std::vector<Success> successes;                 // in the log's order
        std::map<std::uint64_t, std::string> failures;  // by attempt, why
        std::set<std::uint64_t> effects;                // the attempts that had one
        std::vector<Letter> letters;
    };

    void read_log();
    void read_failure(const harness::Record& record);
    void read_letters(const std::string& text);
    void read_effects(const std::string& text);
    void check_account(const harness::Record& summary);
    void check_receipts(const std::vector<Receipt>& receipts);
    void check_ids();
    void check_event(const std::string& payload, const Event& event);
    void check_successes(const std::string& payload, const Event& event);
    void check_letters(const std::string& payload, const Event& event);
    void check_effects(const std::string& payload, const Event& event);
    // What consumers had in hand when they were killed.
    void check_unfinished();
    void check_output(const std::string& text);
    void fail(const std::string& what);

    const Plan& plan_;
    const harness::RecordLog log_;
    const DeathAudit deaths_;
    std::map<std::string, Event, std::less<>> events_;  // by the payload as the log shows it
    std::map<pid_t, std::uint64_t> done_again_;  // by the consumer whose success did not last
    std::uint64_t unfinished_effects_ = 0;
    std::uint64_t repeats_ = 0;
    std::uint64_t marked_ = 0;
    std::uint64_t letters_ = 0;
    std::string fault_;
};

}  // namespace soak
