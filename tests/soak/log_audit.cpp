#include "log_audit.hpp"

#include <algorithm>
#include <limits>

#include "harness/audit.hpp"

namespace soak {

using harness::EventRecord;
using harness::number_of;
using harness::Record;

namespace {

bool is_event(const Record& record) {
    const auto message = record.message;
    return record.program.starts_with("consumer") &&
           (message.starts_with("processed id=") || message.starts_with("emptied id=") ||
            message.starts_with("drained id="));
}

// Nothing is left: the next event is the first of a new segment.
bool ends_life(const Record& record) {
    return (record.message.starts_with("summary ") && number_of(record.message, "left") == 0) ||
           (record.message.starts_with("recovered ") && number_of(record.message, "events") == 0);
}

// What is wrong with one consumer's records of events that every one gets: 1..last, the first time
// in order, again only with a mark. An attempt counts what its process had begun, not what it put
// out: the same may come twice.
std::string fault_of_copy(const std::vector<EventRecord>& records, std::uint64_t last) {
    std::uint64_t highest = 0;
    for (const auto& record : records) {
        const auto id = "id " + std::to_string(record.id);
        if (record.id > highest + 1) return id + " follows " + std::to_string(highest);
        if (record.id <= highest && record.attempt == 1) return id + " comes again, unmarked";
        highest = std::max(highest, record.id);
    }
    return highest == last ? std::string{} : "ends with id " + std::to_string(highest);
}

std::string text_of(const Record& record) {
    return std::string(record.time) + " [" + std::to_string(record.pid) + "] " +
           std::string(record.message);
}

}  // namespace

LogAudit::LogAudit(const harness::RecordLog& log, const Plan& plan, bool had_kills)
    : log_(log), plan_(plan) {
    if (!log.fault().empty()) fail(log.fault());
    const auto events = log.events();
    follow_lives(events);
    count_marked(events, had_kills);
}

// A run's events begin behind what its launcher recovered, or with a life of the segment.
void LogAudit::follow_lives(const std::vector<EventRecord>& events) {
    Life life;
    bool is_life_over = false;
    Ids ids;
    auto event = events.begin();
    for (const auto& record : log_.records()) {
        const auto message = record.message;
        if (message.starts_with("recovered ")) {
            ids = {record.pid, number_of(message, "events").value_or(0), {}};
        } else if (message.starts_with("summary ")) {
            check_account(record, ids);
        } else if (is_event(record) && event != events.end()) {
            if (is_life_over) {
                take_life(life);
                life.clear();
                ids.seen.clear();
                is_life_over = false;
            }
            ids.seen.insert(event->id);
            life[plan_.is_broadcast ? record.program : ""].push_back(*event++);
        }
        is_life_over = is_life_over || ends_life(record);
    }
    take_life(life);
    if (event != events.end()) fail("an event's record is not one of the consumer");
}

void LogAudit::take_life(const Life& life) {
    std::vector<EventRecord> all;
    for (const auto& [consumer, records] : life) {
        all.insert(all.end(), records.begin(), records.end());
    }
    if (all.empty()) return;
    const auto highest = std::ranges::max(all, {}, &EventRecord::id).id;
    check_life(life, highest);
    if (!fault_.empty()) return;
    std::ranges::stable_sort(
        all, {}, [](const EventRecord& each) { return std::pair(each.id, each.attempt); });
    const auto before = events_.size();
    for (const auto& record : all) take_event(before + record.id - 1, record);
}

// Between several consumers that share the events the order of the records means nothing.
void LogAudit::check_life(const Life& life, std::uint64_t highest) {
    if (plan_.is_broadcast && life.size() != plan_.consumers) {
        fail("only " + std::to_string(life.size()) + " consumers have done events");
    }
    for (auto [consumer, records] : life) {
        if (plan_.consumers > 1 && !plan_.is_broadcast) {
            std::ranges::sort(records, {}, [](const EventRecord& each) {
                return std::pair(each.id, each.attempt);
            });
        }
        const auto fault = plan_.is_broadcast ? fault_of_copy(records, highest)
                                              : harness::fault_of_redelivery(records, 1, highest);
        if (!fault.empty()) {
            fail("in the life of the segment that ends with id " + std::to_string(highest) + ": " +
                 (plan_.is_broadcast ? std::string(consumer) + ": " : "") + fault);
        }
    }
}

// What a consumer of a broadcast puts out and is killed before it logs it has no record; its
// successor's is marked then.
void LogAudit::take_event(std::size_t index, const EventRecord& record) {
    constexpr auto kAnyNumber = std::numeric_limits<std::uint64_t>::max();
    if (index == events_.size()) events_.push_back({record.payload, plan_.copies()});
    auto& event = events_[index];
    if (record.attempt > 1) {
        event.most_times =
            plan_.is_broadcast ? kAnyNumber : std::max(event.most_times, record.attempt);
    }
    if (event.payload != record.payload) {
        fail("id " + std::to_string(record.id) + " is '" + std::string(record.payload) +
             "' and was '" + std::string(event.payload) + "'");
    }
}

// A consumer has its forerunners' unfinished events to repeat, and each of those had no more in
// flight than the most demand; after a kill of all it may be given those of all, where they share
// them.
void LogAudit::count_marked(const std::vector<EventRecord>& records, bool had_kills) {
    const std::uint64_t forerunners = plan_.is_broadcast ? 1 : plan_.consumers;
    std::map<pid_t, std::uint64_t> marked;
    for (const auto& record : records) {
        if (record.attempt > 1) ++marked[record.pid];
    }
    for (const auto& [pid, count] : marked) {
        marked_ += count;
        if (!had_kills) fail("nothing was killed and consumer " + std::to_string(pid) + " repeats");
        if (count > plan_.max_demand * forerunners) {
            fail("consumer " + std::to_string(pid) + " repeats " + std::to_string(count) +
                 " events, more than " + std::to_string(forerunners) + " times max-demand " +
                 std::to_string(plan_.max_demand));
        }
    }
}

// `ids` are the run's own unless it found no segment and did nothing. From the first one that was
// not committed before on there are all that the summary counts as done, and none that was not
// accepted.
void LogAudit::check_account(const Record& summary, const Ids& ids) {
    const auto value = [&](std::string_view key) {
        return number_of(summary.message, key).value_or(0);
    };
    const auto accepted = value("accepted");
    const auto done = value("processed") + value("emptied") + value("drained");
    if (accepted != done + value("left")) fail("A is not P + E + D + L: " + text_of(summary));
    const bool has_recovered = ids.launcher == summary.pid;
    if (has_recovered && ids.recovered > accepted) {
        fail("recovered more than accepted: " + text_of(summary));
    }
    const auto seen = ids.seen.size();
    if ((has_recovered || done > 0) && (seen < done || seen > accepted)) {
        fail(std::to_string(seen) + " ids have records in the run of " + text_of(summary));
    }
}

void LogAudit::fail(const std::string& what) {
    if (fault_.empty()) fault_ = "log: " + what;
}

}  // namespace soak
