#pragma once

// The account of a round after its last, clean stop: output, log and what the clients were told,
// each by itself and against one another.

#include <cstdint>
#include <string>
#include <vector>

#include "death_audit.hpp"
#include "log_audit.hpp"
#include "output_audit.hpp"
#include "plan.hpp"
#include "receipt.hpp"
#include "room.hpp"

namespace soak {

class RoundAudit {
  public:
    // What the round knows that neither log nor output tells.
    struct Facts {
        int starts;
        bool had_kills;      // of a consumer, or of a launcher
        bool had_send_offs;  // of a stage alone
        const Signals& sent;
    };

    RoundAudit(const Room& room, const Plan& plan, const std::vector<Receipt>& receipts,
               const Facts& facts);

    // The first thing that is wrong, in words; empty when all is well.
    [[nodiscard]] const std::string& fault() const { return fault_; }
    [[nodiscard]] std::uint64_t events() const { return events_; }
    [[nodiscard]] std::uint64_t repeats() const { return repeats_; }
    [[nodiscard]] std::uint64_t marked() const { return marked_; }

  private:
    void compare(const OutputAudit& output, const LogAudit& log);
    void fail(const std::string& what);

    std::uint64_t events_ = 0;
    std::uint64_t repeats_ = 0;
    std::uint64_t marked_ = 0;
    std::string fault_;
};

}  // namespace soak
