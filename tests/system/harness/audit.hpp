#pragma once

// Whether the story that the log, the summary and the output tell of a run adds up. Each check
// returns the first thing that is wrong, in words, and an empty string when all is well, so that a
// test reads CHECK(fault_of_run(...) == "").

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "record_log.hpp"

namespace harness {

// A first run that ended in its own time, with nothing killed and nothing left: ids 1..A in order,
// processed before emptied before drained, as many of each as the summary says, A = P + E + D + L,
// what was announced at the stop is what was done, and the output holds each event's payload once,
// in order of the ids.
std::string fault_of_run(const RecordLog& log, std::string_view output);

// A first run that the deadline or a second signal cut short: as above, but the log and the output
// may go on with events that were worked on and not committed, up to A.
std::string fault_of_cut_run(const RecordLog& log, std::string_view output);

// Events over runs and restarts, in the order of the records: ids first..last, each at least once,
// the first time in order, and again only with a higher attempt.
std::string fault_of_redelivery(const std::vector<EventRecord>& events, std::uint64_t first,
                                std::uint64_t last);

// The output of first..last as payloads over runs and restarts, where the payload of an event is
// its id: each at least once, more than once only if an event record of it names an attempt
// above 1.
std::string fault_of_repeats(const std::vector<EventRecord>& events, std::string_view output,
                             std::uint64_t first, std::uint64_t last);

// Both of these for a whole log: events 1..last with payloads of the same numbers, all done, over
// all its runs.
std::string fault_of_all_done(const RecordLog& whole_log, std::string_view output,
                              std::uint64_t last);

// A first run with several consumers whose payloads are the ids: each once in log and output, each
// consumer's stretches in order, as many of each as the summary says, and nothing left. Again only
// with a higher attempt.
std::string fault_of_shared_run(const RecordLog& log, std::string_view output);

// Clients whose payloads are PREFIX1, PREFIX2, ... and of which `accepted` got in: these and no
// others are in the output, each client's in its order.
struct Client {
    std::string prefix;
    std::uint64_t accepted;
};
std::string fault_of_clients(const std::vector<Client>& clients, std::string_view output);

}  // namespace harness
