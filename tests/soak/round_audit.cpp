#include "round_audit.hpp"

#include <map>

#include "harness/audit.hpp"
#include "harness/files.hpp"

namespace soak {

RoundAudit::RoundAudit(const Room& room, const Plan& plan, const std::vector<Receipt>& receipts,
                       const Facts& facts) {
    const auto text = harness::read_text(room.output());
    const harness::RecordLog records(harness::read_text(room.log_file()));
    const OutputAudit output(text, receipts, plan);
    const LogAudit log(records, plan, facts.had_kills);
    const DeathAudit deaths(records, facts.sent);
    events_ = output.events().size();
    repeats_ = output.repeats();
    marked_ = log.marked();
    fail(output.fault());
    fail(log.fault());
    fail(deaths.fault());
    compare(output, log);
    // With nobody killed and nobody replaced the whole story is known.
    const bool is_plain = plan.consumers == 1 && facts.starts == 1 && !facts.had_send_offs &&
                          records.starting("child exited ").size() == 2;
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
    std::map<std::string, const OutputAudit::Event*> put_out;
    for (const auto& event : output.events()) put_out[as_shown(output.payload(event))] = &event;
    for (const auto& told : log.events()) {
        const auto found = put_out.find(std::string(told.payload));
        if (found == put_out.end()) {
            fail("'" + std::string(told.payload) + "' is in the log, and was not put out");
        } else if (found->second->times > told.most_times) {
            fail("'" + found->first + "' was put out " + std::to_string(found->second->times) +
                 " times, and the log allows for " + std::to_string(told.most_times));
        }
    }
    if (put_out.size() != log.events().size()) fail("an event's payload is not its own");
}

void RoundAudit::fail(const std::string& what) {
    if (fault_.empty()) fault_ = what;
}

}  // namespace soak
