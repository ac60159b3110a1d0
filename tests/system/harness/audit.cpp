#include "audit.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "files.hpp"

namespace harness {
namespace {

std::string differs(std::string_view what, std::uint64_t seen, std::uint64_t expected) {
    return std::string(what) + ": " + std::to_string(seen) + ", expected " +
           std::to_string(expected);
}

std::string event_name(const EventRecord& event) {
    constexpr std::string_view kNames[] = {"processed", "emptied", "drained"};
    return std::string(kNames[static_cast<int>(event.kind)]) + " id=" + std::to_string(event.id);
}

// Ids from 1 without gap or repeat, kinds in the order of the shutdown.
std::string fault_of_order(const std::vector<EventRecord>& events) {
    auto kind = Kind::processed;
    std::uint64_t expected = 1;
    for (const auto& event : events) {
        if (event.id != expected)
            return event_name(event) + differs(" is out of order", event.id, expected);
        if (event.kind < kind) return event_name(event) + " follows a later kind";
        if (event.attempt != 1) return event_name(event) + " has an attempt, but nothing died";
        kind = event.kind;
        ++expected;
    }
    return {};
}

std::uint64_t count_of(const std::vector<EventRecord>& events, Kind kind) {
    return static_cast<std::uint64_t>(std::ranges::count(events, kind, &EventRecord::kind));
}

std::string fault_of_counts(const std::vector<EventRecord>& events, const Account& account) {
    const auto processed = count_of(events, Kind::processed);
    if (processed != account.processed)
        return differs("processed records", processed, account.processed);
    const auto emptied = count_of(events, Kind::emptied);
    if (emptied != account.emptied) return differs("emptied records", emptied, account.emptied);
    const auto drained = count_of(events, Kind::drained);
    if (drained != account.drained) return differs("drained records", drained, account.drained);
    return {};
}

bool is_shown_as_it_is(std::string_view payload) {
    constexpr std::size_t kCut = 64;
    return payload.size() <= kCut && std::ranges::all_of(payload, [](char letter) {
               return letter >= ' ' && letter <= '~' && letter != '\\';
           });
}

// Line n of the output is the payload of event n, wherever the log shows it unchanged.
std::string fault_of_output(const std::vector<EventRecord>& events, std::string_view output) {
    if (!output.empty() && !output.ends_with('\n')) return "the output's last line has no end";
    const auto lines = lines_of(output);
    if (lines.size() != events.size()) return differs("output lines", lines.size(), events.size());
    for (std::size_t index = 0; index < lines.size(); ++index) {
        if (is_shown_as_it_is(lines[index]) && lines[index] != events[index].payload) {
            return event_name(events[index]) + " is '" + std::string(events[index].payload) +
                   "' in the log, '" + std::string(lines[index]) + "' in the output";
        }
    }
    return {};
}

// One of each of the shutdown's messages, and the numbers in them. A forced end may come before
// the intake is closed.
std::string fault_of_story(const RecordLog& log, const Account& account, bool is_cut) {
    for (const auto* words : {"ready ", "stopping ", "summary "}) {
        const auto count = log.starting(words).size();
        if (count != 1) return differs("records of '" + std::string(words) + "'", count, 1);
    }
    const auto closings = log.starting("intake closed ");
    if (closings.size() != 1 && !(is_cut && closings.empty())) {
        return differs("records of 'intake closed'", closings.size(), 1);
    }
    const auto closed = closings.empty() ? account.accepted
                                         : number_of(closings[0].message, "accepted").value_or(0);
    if (closed != account.accepted)
        return differs("intake closed accepted", closed, account.accepted);
    const auto total = account.processed + account.emptied + account.drained + account.left;
    if (total != account.accepted) return differs("P + E + D + L", total, account.accepted);
    return {};
}

// What the consumer announced when it saw the stop is what it did, and it said when it was
// through.
std::string fault_of_drain(const RecordLog& log, const Account& account) {
    const auto announced = log.starting("terminating ");
    if (announced.size() != 1) return differs("records of 'terminating'", announced.size(), 1);
    const auto in_flight = number_of(announced[0].message, "in_flight").value_or(0);
    if (in_flight != account.emptied)
        return differs("terminating in_flight", in_flight, account.emptied);
    const auto buffered = number_of(announced[0].message, "buffered").value_or(0);
    if (buffered != account.drained)
        return differs("terminating buffered", buffered, account.drained);
    const auto finished = log.starting("drained all").size();
    if (finished != 1) return differs("records of 'drained all'", finished, 1);
    return {};
}

// `terminating` stands between processed and emptied, `drained all` after the last drained.
std::string fault_of_places(const RecordLog& log) {
    enum class Stage { running, terminating, finished } stage = Stage::running;
    for (const auto& record : log.records()) {
        const auto message = record.message;
        if (message.starts_with("terminating ")) stage = Stage::terminating;
        const bool is_end = message.starts_with("drained all");
        if (is_end) stage = Stage::finished;
        const bool is_processed = message.starts_with("processed id=");
        const bool is_later =
            message.starts_with("emptied id=") || message.starts_with("drained id=");
        if ((is_processed && stage != Stage::running) ||
            (is_later && stage != Stage::terminating)) {
            return "out of its place: " + std::string(message);
        }
    }
    return {};
}

std::string first_of(std::initializer_list<std::string> faults) {
    for (const auto& fault : faults) {
        if (!fault.empty()) return fault;
    }
    return {};
}

}  // namespace

std::string fault_of_run(const RecordLog& log, std::string_view output) {
    const auto account = log.account();
    if (!log.fault().empty()) return log.fault();
    if (!account) return "no summary";
    if (account->left != 0) return differs("left", account->left, 0);
    if (account->redelivered != 0) return differs("redelivered", account->redelivered, 0);
    const auto events = log.events();
    return first_of({fault_of_order(events), fault_of_counts(events, *account),
                     fault_of_output(events, output), fault_of_story(log, *account, false),
                     fault_of_drain(log, *account), fault_of_places(log)});
}

std::string fault_of_cut_run(const RecordLog& log, std::string_view output) {
    const auto account = log.account();
    if (!log.fault().empty()) return log.fault();
    if (!account) return "no summary";
    const auto events = log.events();
    const auto committed = account->accepted - account->left;
    if (events.size() < committed || events.size() > account->accepted) {
        return differs("event records", events.size(), committed);
    }
    const auto lines = lines_of(output);
    if (lines.size() < committed || lines.size() > account->accepted) {
        return differs("output lines", lines.size(), committed);
    }
    return first_of(
        {fault_of_order(events), fault_of_story(log, *account, true), fault_of_places(log)});
}

std::string fault_of_redelivery(const std::vector<EventRecord>& events, std::uint64_t first,
                                std::uint64_t last) {
    std::map<std::uint64_t, std::uint64_t> attempts;
    std::uint64_t highest = first - 1;
    for (const auto& event : events) {
        if (event.id < first || event.id > last) return event_name(event) + " was never accepted";
        if (event.id > highest + 1)
            return event_name(event) + differs(" skips", event.id, highest + 1);
        highest = std::max(highest, event.id);
        auto& attempt = attempts[event.id];
        if (event.attempt <= attempt) {
            return event_name(event) + differs(" again, attempt", event.attempt, attempt + 1);
        }
        attempt = event.attempt;
    }
    return highest == last ? std::string{} : differs("highest id", highest, last);
}

std::string fault_of_repeats(const std::vector<EventRecord>& events, std::string_view output,
                             std::uint64_t first, std::uint64_t last) {
    std::set<std::uint64_t> marked;
    for (const auto& event : events) {
        if (event.attempt > 1) marked.insert(event.id);
    }
    std::map<std::string_view, std::uint64_t> counts;
    for (const auto line : lines_of(output)) ++counts[line];
    for (auto id = first; id <= last; ++id) {
        const auto name = std::to_string(id);
        const auto count = counts[name];
        if (count == 0) return "payload " + name + " is not in the output";
        if (count > 1 && !marked.contains(id)) return "payload " + name + " repeats unmarked";
    }
    const auto expected = last - first + 1;
    return counts.size() == expected ? std::string{}
                                     : differs("different payloads", counts.size(), expected);
}

std::string fault_of_all_done(const RecordLog& whole_log, std::string_view output,
                              std::uint64_t last) {
    const auto events = whole_log.events();
    return first_of({whole_log.fault(), fault_of_redelivery(events, 1, last),
                     fault_of_repeats(events, output, 1, last)});
}

std::string fault_of_shared_run(const RecordLog& log, std::string_view output) {
    const auto account = log.account();
    if (!account) return "no summary";
    auto events = log.events();
    std::map<pid_t, Kind> reached;
    std::map<Kind, std::set<std::uint64_t>> done;
    for (const auto& event : events) {
        if (event.kind < reached[event.pid]) return event_name(event) + " goes back a kind";
        reached[event.pid] = event.kind;
        done[event.kind].insert(event.id);
    }
    std::ranges::stable_sort(events, {}, &EventRecord::id);
    const auto fault = first_of({log.fault(), fault_of_redelivery(events, 1, account->accepted),
                                 fault_of_repeats(events, output, 1, account->accepted)});
    if (!fault.empty()) return fault;
    const auto sum = account->processed + account->emptied + account->drained;
    if (account->left != 0) return differs("left", account->left, 0);
    if (sum != account->accepted) return differs("P + E + D", sum, account->accepted);
    if (done[Kind::processed].size() < account->processed ||
        done[Kind::emptied].size() < account->emptied ||
        done[Kind::drained].size() < account->drained) {
        return "the summary counts more of a kind than there are records of";
    }
    return {};
}

std::string fault_of_clients(const std::vector<Client>& clients, std::string_view output) {
    std::map<std::string_view, std::uint64_t> seen;
    for (const auto line : lines_of(output)) {
        const auto client = std::ranges::find_if(
            clients, [line](const Client& each) { return line.starts_with(each.prefix); });
        if (client == clients.end()) return "nobody's payload: '" + std::string(line) + "'";
        const auto expected = client->prefix + std::to_string(++seen[client->prefix]);
        if (line != expected) return "payload '" + std::string(line) + "', expected " + expected;
    }
    for (const auto& client : clients) {
        if (seen[client.prefix] != client.accepted) {
            return differs("events of client " + client.prefix, seen[client.prefix],
                           client.accepted);
        }
    }
    return {};
}

}  // namespace harness
