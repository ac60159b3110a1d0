#include "round_audit.hpp"

#include "harness/audit.hpp"
#include "harness/files.hpp"

namespace soak {
namespace {

std::string as_shown(const std::string& payload) {
    constexpr std::size_t kCut = 64;
    return payload.size() > kCut ? payload.substr(0, kCut) + "..." : payload;
}

}  // namespace

RoundAudit::RoundAudit(const Room& room, const Plan& plan, const std::vector<Receipt>& receipts,
                       const Facts& facts) {
    const auto text = harness::read_text(room.output());
    const harness::RecordLog records(harness::read_text(room.log_file()));
    const OutputAudit output(text, receipts);
    const LogAudit log(records, plan, facts.had_kills, facts.sent);
    events_ = output.events().size();
    repeats_ = output.repeats();
    marked_ = log.marked();
    fail(output.fault());
    fail(log.fault());
    compare(output, log);
    // With nobody killed and nobody replaced the whole story is known.
    const bool is_plain =
        facts.starts == 1 && !facts.had_send_offs && records.starting("child exited ").size() == 2;
    if (!facts.had_kills && is_plain) fail(harness::fault_of_run(records, text));
    if (!facts.had_kills && output.repeats() > 0) fail("nothing was killed and events repeat");
}

// The events that the log numbers are those of the output, one by one.
void RoundAudit::compare(const OutputAudit& output, const LogAudit& log) {
    if (output.events().size() != log.events().size()) {
        fail(std::to_string(output.events().size()) + " events in the output, " +
             std::to_string(log.events().size()) + " in the log");
        return;
    }
    for (std::size_t index = 0; index < log.events().size(); ++index) {
        const auto& put_out = output.events()[index];
        const auto& told = log.events()[index];
        const auto payload = output.payload(put_out);
        if (told.payload != as_shown(payload)) {
            fail("event " + std::to_string(index + 1) + " of the round is '" + payload +
                 "' in the output, '" + std::string(told.payload) + "' in the log");
        }
        if (put_out.times > told.attempts) {
            fail("'" + payload + "' was put out " + std::to_string(put_out.times) +
                 " times, and the log knows of " + std::to_string(told.attempts) + " attempts");
        }
    }
}

void RoundAudit::fail(const std::string& what) {
    if (fault_.empty()) fault_ = what;
}

}  // namespace soak
