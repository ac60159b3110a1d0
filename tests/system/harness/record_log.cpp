#include "record_log.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace harness {
namespace {

template <typename Number>
std::optional<Number> parse(std::string_view text) {
    Number number{};
    const auto* end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, number);
    if (parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
    return number;
}

bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }

bool is_time(std::string_view text) {
    constexpr std::string_view kForm = "0000-00-00T00:00:00.000000Z";
    return std::ranges::equal(text, kForm, [](char letter, char form) {
        return form == '0' ? is_digit(letter) : letter == form;
    });
}

bool is_program(std::string_view text) {
    if (text == "launcher" || text == "producer" || text == "consumer") return true;
    constexpr std::string_view kNumbered = "consumer.";
    return text.starts_with(kNumbered) && parse<int>(text.substr(kNumbered.size()));
}

bool is_level(std::string_view text) {
    return !text.empty() &&
           std::ranges::all_of(text, [](char letter) { return letter >= 'a' && letter <= 'z'; });
}

bool is_control(char letter) {
    const auto byte = static_cast<unsigned char>(letter);
    return byte < ' ' || byte == 0x7f;
}

// Takes " [TEXT]" off the front.
std::optional<std::string_view> take_bracketed(std::string_view& line) {
    if (!line.starts_with(" [")) return std::nullopt;
    const auto end = line.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    const auto text = line.substr(2, end - 2);
    line.remove_prefix(end + 1);
    return text;
}

std::optional<Record> parse_record(std::string_view line) {
    constexpr std::size_t kTimeSize = 27;
    if (std::ranges::any_of(line, is_control)) return std::nullopt;
    const auto time = line.substr(0, kTimeSize);
    if (!is_time(time)) return std::nullopt;
    line.remove_prefix(kTimeSize);
    const auto pid = take_bracketed(line);
    const auto program = take_bracketed(line);
    const auto level = take_bracketed(line);
    if (!pid || !parse<pid_t>(*pid) || !program || !is_program(*program) || !level ||
        !is_level(*level) || line.size() < 2 || line[0] != ' ') {
        return std::nullopt;
    }
    line.remove_prefix(1);
    // The label of a pipeline whose name is not the default.
    if (line.starts_with("name=")) {
        line.remove_prefix(std::min(line.find(' '), line.size() - 1) + 1);
    }
    return Record{time, *parse<pid_t>(*pid), *program, *level, line};
}

bool take(std::string_view& text, std::string_view start) {
    if (!text.starts_with(start)) return false;
    text.remove_prefix(start.size());
    return true;
}

std::optional<EventRecord> parse_event(const Record& record) {
    auto rest = record.message;
    EventRecord event{Kind::processed, 0, {}, 1, record.pid, record.time};
    if (take(rest, "emptied ")) {
        event.kind = Kind::emptied;
    } else if (take(rest, "drained ")) {
        event.kind = Kind::drained;
    } else if (!take(rest, "processed ")) {
        return std::nullopt;
    }
    if (!take(rest, "id=")) return std::nullopt;
    const auto id = parse<std::uint64_t>(rest.substr(0, rest.find(' ')));
    constexpr std::string_view kPayload = " payload=";
    const auto payload = rest.find(kPayload);
    if (!id || payload == std::string_view::npos) return std::nullopt;
    event.id = *id;
    const auto keys = rest.substr(0, payload);
    if (value_of(keys, "attempt")) event.attempt = number_of(keys, "attempt").value_or(0);
    event.payload = rest.substr(payload + kPayload.size());
    return event;
}

}  // namespace

std::optional<std::string_view> value_of(std::string_view message, std::string_view key) {
    const std::string wanted = std::string(key) + "=";
    for (std::size_t at = 0; (at = message.find(wanted, at)) != std::string_view::npos; ++at) {
        if (at > 0 && message[at - 1] != ' ') continue;
        const auto value = message.substr(at + wanted.size());
        return value.substr(0, value.find(' '));
    }
    return std::nullopt;
}

std::optional<std::uint64_t> number_of(std::string_view message, std::string_view key) {
    const auto value = value_of(message, key);
    return value ? parse<std::uint64_t>(*value) : std::nullopt;
}

std::uint64_t count_marked(const std::vector<EventRecord>& events) {
    return static_cast<std::uint64_t>(
        std::ranges::count_if(events, [](const EventRecord& event) { return event.attempt > 1; }));
}

RecordLog::RecordLog(std::string text) : text_(std::move(text)) {
    std::string_view rest = text_;
    for (std::size_t number = 1; !rest.empty(); ++number) {
        const auto end = rest.find('\n');
        const auto line = rest.substr(0, end);
        const auto record = parse_record(line);
        const bool is_whole = record && end != std::string_view::npos;
        if (is_whole) {
            records_.push_back(*record);
        } else if (fault_.empty()) {
            fault_ = "line " + std::to_string(number) + " is no whole record: '" +
                     std::string(line.substr(0, 300)) + "'";
        }
        if (end == std::string_view::npos) break;
        rest.remove_prefix(end + 1);
    }
}

std::vector<Record> RecordLog::starting(std::string_view words) const {
    std::vector<Record> found;
    std::ranges::copy_if(records_, std::back_inserter(found), [words](const Record& record) {
        return record.message.starts_with(words);
    });
    return found;
}

std::string_view RecordLog::first(std::string_view words) const {
    const auto found = std::ranges::find_if(
        records_, [words](const Record& record) { return record.message.starts_with(words); });
    return found == records_.end() ? std::string_view{} : found->message;
}

std::vector<EventRecord> RecordLog::events() const {
    std::vector<EventRecord> events;
    for (const auto& record : records_) {
        if (!record.program.starts_with("consumer")) continue;
        if (const auto event = parse_event(record)) events.push_back(*event);
    }
    return events;
}

std::optional<Account> RecordLog::account() const {
    const auto summaries = starting("summary ");
    if (summaries.empty()) return std::nullopt;
    const auto message = summaries.back().message;
    const auto accepted = number_of(message, "accepted");
    const auto processed = number_of(message, "processed");
    const auto emptied = number_of(message, "emptied");
    const auto drained = number_of(message, "drained");
    const auto left = number_of(message, "left");
    const auto redelivered = number_of(message, "redelivered");
    if (!accepted || !processed || !emptied || !drained || !left || !redelivered) {
        return std::nullopt;
    }
    return Account{*accepted, *processed, *emptied, *drained, *left, *redelivered};
}

}  // namespace harness
