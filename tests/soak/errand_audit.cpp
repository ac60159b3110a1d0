#include "errand_audit.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "harness/files.hpp"

namespace soak {

using harness::number_of;
using harness::Record;

namespace {

constexpr std::string_view kConsumerDied = "its consumer died";

// What the errands have killed is as if the round had.
Signals with_killings(const Room& room, Signals sent) {
    std::istringstream killings(harness::read_text(room.killings()));
    for (int pid = 0, signal = 0; killings >> pid >> signal;) sent.emplace(pid, signal);
    return sent;
}

// Up to the next `"` that is not escaped.
std::string reason_in(std::string_view message) {
    constexpr std::string_view kKey = "reason=\"";
    const auto begin = std::min(message.find(kKey), message.size() - kKey.size()) + kKey.size();
    auto end = begin;
    while (end < message.size() && message[end] != '"') end += message[end] == '\\' ? 2 : 1;
    return std::string(message.substr(begin, end - begin));
}

// Whether the errand may have had its effect though the attempt has failed: what ended it came
// from outside, or from another event of the same worker.
bool may_follow_effect(std::string_view reason) {
    return std::ranges::any_of(
        std::initializer_list<std::string_view>{"timeout ", "signal ", "protocol error",
                                                "worker exited"},
        [reason](std::string_view begin) { return reason.starts_with(begin); });
}

bool is_rejection(std::string_view reason) {
    return reason == "exit status 65" || reason == "rejected on purpose";
}

std::string attempt_text(std::uint64_t attempt) { return "attempt " + std::to_string(attempt); }

}  // namespace

ErrandAudit::ErrandAudit(const Room& room, const Plan& plan, const std::vector<Receipt>& receipts,
                         const Signals& sent)
    : plan_(plan),
      log_(harness::read_text(room.log_file())),
      deaths_(log_, with_killings(room, sent)) {
    fail(log_.fault());
    fail(deaths_.fault());
    read_log();
    read_letters(harness::read_text(room.dead_letters()));
    read_effects(harness::read_text(room.effects()));
    check_receipts(receipts);
    check_ids();
    for (const auto& [payload, event] : events_) check_event(payload, event);
    check_unfinished();
    check_output(harness::read_text(room.output()));
}

void ErrandAudit::read_log() {
    for (const auto& record : log_.events()) {
        auto& event = events_[std::string(record.payload)];
        event.ids.insert(record.id);
        event.successes.push_back({record.attempt, record.pid});
        if (record.attempt > 1) ++marked_;
    }
    for (const auto& record : log_.records()) {
        if (record.message.starts_with("summary ")) check_account(record);
        if (record.message.starts_with("failed id=")) read_failure(record);
    }
}

void ErrandAudit::read_failure(const Record& record) {
    constexpr std::string_view kPayload = " payload=";
    const auto payload = record.message.substr(record.message.rfind(kPayload) + kPayload.size());
    auto& event = events_[std::string(payload)];
    event.ids.insert(number_of(record.message, "id").value_or(0));
    const auto attempt = number_of(record.message, "attempt").value_or(0);
    const bool is_new = event.failures.emplace(attempt, reason_in(record.message)).second;
    if (!is_new) fail("'" + std::string(payload) + "' fails twice in " + attempt_text(attempt));
}

void ErrandAudit::read_letters(const std::string& text) {
    if (!text.empty() && !text.ends_with('\n')) fail("the last dead letter has no end");
    for (const auto line : harness::lines_of(text)) {
        const auto letter = nlohmann::json::parse(line, nullptr, false);
        if (!letter.is_object()) {
            fail("no dead letter: " + std::string(line));
            continue;
        }
        ++letters_;
        auto& event = events_[as_shown(letter.at("payload"))];
        event.ids.insert(letter.at("id").get<std::uint64_t>());
        event.runs.insert(letter.at("run"));
        event.letters.push_back({letter.at("attempts"), letter.at("reason")});
    }
}

// A client's numbers rise with the ids of its events.
void ErrandAudit::read_effects(const std::string& text) {
    std::map<std::string, std::uint64_t> reached;
    if (!text.empty() && !text.ends_with('\n')) fail("the last effect has no end");
    for (const auto line : harness::lines_of(text)) {
        const auto first = line.find(' ');
        const auto second = line.find(' ', first + 1);
        const auto attempt = std::stoull(std::string(line.substr(first + 1, second - first - 1)));
        const std::string payload(line.substr(second + 1));
        auto& event = events_[as_shown(payload)];
        event.runs.insert(std::string(line.substr(0, first)));
        const bool is_first = event.effects.empty();
        if (!event.effects.insert(attempt).second) {
            fail("'" + payload + "' has its effect twice in " + attempt_text(attempt));
        }
        const auto prefix_size = payload.find('-') + 1;
        const auto prefix = payload.substr(0, prefix_size);
        auto& highest = reached[prefix];
        const auto number = std::stoull(payload.substr(prefix_size));
        const bool is_in_order = plan_.has_keys && !prefix.empty();
        if (is_first && is_in_order && number < highest) {
            fail("'" + payload + "' has its effect behind number " + std::to_string(highest));
        }
        highest = std::max<std::uint64_t>(highest, number);
    }
}

void ErrandAudit::check_account(const Record& summary) {
    const auto value = [&](std::string_view key) {
        return number_of(summary.message, key).value_or(0);
    };
    const auto settled =
        value("processed") + value("emptied") + value("drained") + value("dead") + value("left");
    if (value("accepted") != settled) {
        fail("A is not P + E + D + X + L: " + std::string(summary.message));
    }
}

// Each client's events from 1 on without a gap have a trace, and no others.
void ErrandAudit::check_receipts(const std::vector<Receipt>& receipts) {
    std::uint64_t expected = 0;
    for (const auto& receipt : receipts) {
        std::uint64_t number = 0;
        while (number < receipt.sent &&
               events_.contains(as_shown(payload_of(receipt, number + 1)))) {
            ++number;
        }
        expected += number;
        if (number < receipt.known || (receipt.is_exact && number > receipt.known)) {
            fail("client '" + receipt.prefix + "' was told that " + std::to_string(receipt.known) +
                 " are in; traces are of the first " + std::to_string(number));
        }
    }
    if (expected != events_.size()) {
        fail(std::to_string(events_.size()) + " events have traces, the clients' are " +
             std::to_string(expected));
    }
}

void ErrandAudit::check_ids() {
    std::map<std::string, std::set<std::uint64_t>> ids;
    for (const auto& [payload, event] : events_) {
        if (event.ids.size() > 1 || event.runs.size() > 1) fail("'" + payload + "' has two ids");
        if (event.ids.empty() || event.runs.empty()) continue;  // see check_event()
        const auto id = *event.ids.begin();
        if (!ids[*event.runs.begin()].insert(id).second) {
            fail("'" + payload + "' has the id of another event: " + std::to_string(id));
        }
    }
    for (const auto& [run, numbers] : ids) {
        if (*numbers.rbegin() != numbers.size()) {
            fail("run " + run + " has " + std::to_string(numbers.size()) +
                 " ids, the last of them " + std::to_string(*numbers.rbegin()));
        }
    }
}

void ErrandAudit::check_event(const std::string& payload, const Event& event) {
    if (event.successes.empty() && event.letters.empty()) fail("'" + payload + "' has no outcome");
    check_successes(payload, event);
    check_letters(payload, event);
    check_effects(payload, event);
}

void ErrandAudit::check_successes(const std::string& payload, const Event& event) {
    std::uint64_t before = 0;
    for (const auto& success : event.successes) {
        const auto what = "'" + payload + "' succeeds in " + attempt_text(success.attempt);
        if (success.attempt <= before) fail(what + " after " + attempt_text(before));
        if (success.attempt > plan_.errands->most_attempts())
            fail(what + ", more than it may have");
        if (!event.effects.contains(success.attempt)) fail(what + ", without an effect");
        before = success.attempt;
    }
    const std::size_t lasting = event.letters.empty() ? 1 : 0;
    for (std::size_t index = 0; index + lasting < event.successes.size(); ++index) {
        const auto [attempt, consumer] = event.successes[index];
        ++done_again_[consumer];
        if (lasting == 1) ++repeats_;
        if (!deaths_.was_killed(consumer)) {
            fail("'" + payload + "' is begun again after its success in " + attempt_text(attempt) +
                 ", and consumer " + std::to_string(consumer) + " was not killed");
        }
    }
}

void ErrandAudit::check_letters(const std::string& payload, const Event& event) {
    if (event.letters.size() > 1) fail("'" + payload + "' has two dead letters");
    for (const auto& letter : event.letters) {
        const auto what = "'" + payload + "' is dead in " + attempt_text(letter.attempts) + " (" +
                          letter.reason + ")";
        const auto most = plan_.errands->most_attempts();
        if (letter.attempts > most || (letter.attempts < most && !is_rejection(letter.reason))) {
            fail(what + ", and may have " + std::to_string(most));
        }
        for (const auto& success : event.successes) {
            const bool is_marked =
                letter.attempts > success.attempt ||
                (letter.attempts == success.attempt && letter.reason == kConsumerDied);
            if (!is_marked) fail(what + " and was done in " + attempt_text(success.attempt));
        }
    }
}

void ErrandAudit::check_effects(const std::string& payload, const Event& event) {
    for (const auto attempt : event.effects) {
        const bool is_told = std::ranges::any_of(
            event.successes, [&](const Success& each) { return each.attempt == attempt; });
        if (is_told) continue;
        const auto failure = event.failures.find(attempt);
        const auto letter = std::ranges::find(event.letters, attempt, &Letter::attempts);
        const bool is_in_letter = letter != event.letters.end() && letter->reason != kConsumerDied;
        if (failure == event.failures.end() && !is_in_letter) {
            ++unfinished_effects_;
            continue;
        }
        const auto& reason = is_in_letter ? letter->reason : failure->second;
        if (!may_follow_effect(reason)) {
            fail("'" + payload + "' has its effect in " + attempt_text(attempt) +
                 ", which failed: " + reason);
        }
    }
}

void ErrandAudit::check_unfinished() {
    const auto in_hand = plan_.errands->in_hand();
    for (const auto& [consumer, count] : done_again_) {
        if (count > in_hand) {
            fail(std::to_string(count) + " successes of consumer " + std::to_string(consumer) +
                 " did not last, and it had " + std::to_string(in_hand) + " in hand at most");
        }
    }
    if (unfinished_effects_ > deaths_.kills() * in_hand) {
        fail(std::to_string(unfinished_effects_) + " effects have no outcome, after " +
             std::to_string(deaths_.kills()) + " kills with " + std::to_string(in_hand) +
             " in hand at most");
    }
}

void ErrandAudit::check_output(const std::string& text) {
    std::map<std::string, std::uint64_t, std::less<>> times;
    if (!text.empty() && !text.ends_with('\n')) fail("the last line of the output has no end");
    for (const auto line : harness::lines_of(text)) ++times[as_shown(std::string(line))];
    for (const auto& [payload, count] : times) {
        const auto event = events_.find(payload);
        if (event == events_.end() || count > event->second.effects.size()) {
            fail("'" + payload + "' is put out more often than it had an effect");
        }
    }
    for (const auto& [payload, event] : events_) {
        const auto put_out = times.find(payload);
        const auto count = put_out == times.end() ? 0 : put_out->second;
        if (count < event.successes.size()) fail("'" + payload + "' is done and was not put out");
    }
}

void ErrandAudit::fail(const std::string& what) {
    if (fault_.empty()) fault_ = what;
}

}  // namespace soak
