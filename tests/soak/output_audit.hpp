#pragma once

// What the consumers of a round put out, against what its clients know: each client's events from 1
// on without a gap, in order where the plan keeps it, as many as it was told at least and no more
// than it sent, each exactly as it was sent, and by every consumer where each gets all. An event
// that comes again does not count as out of order here; whether it may is the log's to say.

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "plan.hpp"
#include "receipt.hpp"

namespace soak {

class OutputAudit {
  public:
    // An event at the place where it was put out first.
    struct Event {
        std::size_t client;  // which receipt
        std::uint64_t number;
        std::uint64_t times;  // how often it was put out in all
    };

    // `text` and `receipts` have to outlive it.
    OutputAudit(std::string_view text, const std::vector<Receipt>& receipts, const Plan& plan);

    [[nodiscard]] const std::string& fault() const { return fault_; }
    [[nodiscard]] const std::vector<Event>& events() const { return events_; }
    // Lines beyond those that each event has anyway.
    [[nodiscard]] std::uint64_t repeats() const { return repeats_; }
    [[nodiscard]] std::string payload(const Event& event) const {
        return payload_of(receipts_[event.client], event.number);
    }

  private:
    void take(std::string_view line);
    void take_new(std::size_t client, std::uint64_t number, std::string_view line);
    void compare_with_receipts();
    void count_copies();
    void fail(const std::string& what);

    static constexpr std::size_t kNotYet = ~std::size_t{0};

    const std::vector<Receipt>& receipts_;
    const Plan& plan_;
    std::unordered_map<std::string_view, std::size_t> clients_;  // by prefix
    std::vector<std::vector<std::size_t>> role_locks_;  // of each client's event n, at n - 1
    std::vector<Event> events_;
    std::uint64_t repeats_ = 0;
    std::string fault_;
};

}  // namespace soak
