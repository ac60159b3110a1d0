#include "log_record.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <utility>

#include "escape.hpp"

namespace drainpipe {
namespace {

constexpr std::string_view kTimeForm = "0000-00-00T00:00:00.000000Z";
constexpr Microseconds kSecond = 1'000'000;
constexpr std::string_view kDefaultName = "drainpipe";
constexpr std::size_t kMaxName = 64;

template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
    Number number{};
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    return error == std::errc() && rest == end ? std::optional(number) : std::nullopt;
}

bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }

// Digits that are known to be some.
int digits(std::string_view text, std::size_t at, std::size_t count) {
    int number = 0;
    for (std::size_t index = at; index < at + count; ++index) {
        number = 10 * number + (text[index] - '0');
    }
    return number;
}

bool take(std::string_view& text, std::string_view start) {
    if (!text.starts_with(start)) {
        return false;
    }
    text.remove_prefix(start.size());
    return true;
}

// Takes " [TEXT]" off the front; empty where that is not there.
std::string_view take_bracketed(std::string_view& line) {
    const auto end = line.find(']');
    if (!line.starts_with(" [") || end == std::string_view::npos) {
        return {};
    }
    const std::string_view text = line.substr(2, end - 2);
    line.remove_prefix(end + 1);
    return text;
}

std::optional<Level> parse_level(std::string_view text) {
    if (text == "info" || text == "debug" || text == "trace") {
        return Level::info;
    }
    if (text == "warning") {
        return Level::warning;
    }
    return text == "error" || text == "critical" ? std::optional(Level::error) : std::nullopt;
}

bool is_name(std::string_view text) {
    return !text.empty() && text.size() <= kMaxName && text[0] != '.' &&
           std::ranges::all_of(text, [](char letter) {
               return is_digit(letter) || (letter >= 'a' && letter <= 'z') ||
                      (letter >= 'A' && letter <= 'Z') || letter == '.' || letter == '_' ||
                      letter == '-';
           });
}

// The name that stands before the message where it is not the default.
std::string_view take_name(std::string_view& message) {
    constexpr std::string_view kKey = "name=";
    if (!message.starts_with(kKey)) {
        return kDefaultName;
    }
    const auto end = message.find(' ');
    const std::string_view name = message.substr(kKey.size(), end - kKey.size());
    if (end == std::string_view::npos || !is_name(name)) {
        return kDefaultName;
    }
    message.remove_prefix(end + 1);
    return name;
}

bool has_control_character(std::string_view text) {
    return !is_plain(text) && std::ranges::any_of(text, [](char letter) {
        const auto byte = static_cast<unsigned char>(letter);
        return byte < ' ' || byte == 0x7f;
    });
}

struct KindWord {
    std::string_view start;
    EventKind kind;
};
constexpr std::array<KindWord, 5> kKindWords{{{"processed id=", EventKind::processed},
                                              {"emptied id=", EventKind::emptied},
                                              {"drained id=", EventKind::drained},
                                              {"failed id=", EventKind::failed},
                                              {"dead id=", EventKind::dead}}};

std::optional<std::uint64_t> take_number(std::string_view& text) {
    std::uint64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc()) {
        return std::nullopt;
    }
    text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
    return number;
}

// Up to the quotation mark that ends it; quotation marks of its own are behind a backslash.
std::optional<std::string_view> take_quoted(std::string_view& text) {
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '\\') {
            ++at;
        } else if (text[at] == '"') {
            const std::string_view value = text.substr(0, at);
            text.remove_prefix(at + 1);
            return value;
        }
    }
    return std::nullopt;
}

std::optional<Microseconds> parse_seconds(std::string_view text) {
    if (!text.ends_with('s')) {
        return std::nullopt;
    }
    const auto seconds = parse_number<double>(text.substr(0, text.size() - 1));
    constexpr double kMost = 1e11;
    if (!seconds || !(*seconds >= 0 && *seconds < kMost)) {
        return std::nullopt;
    }
    return std::llround(*seconds * static_cast<double>(kSecond));
}

}  // namespace

std::optional<Microseconds> parse_time(std::string_view text) {
    const auto fits = [](char letter, char form) {
        return form == '0' ? is_digit(letter) : letter == form;
    };
    if (!std::ranges::equal(text, kTimeForm, fits)) {
        return std::nullopt;
    }
    using namespace std::chrono;
    const year_month_day date{year(digits(text, 0, 4)),
                              month(static_cast<unsigned>(digits(text, 5, 2))),
                              day(static_cast<unsigned>(digits(text, 8, 2)))};
    if (!date.ok()) {
        return std::nullopt;
    }
    const int second_of_day =
        (60 * digits(text, 11, 2) + digits(text, 14, 2)) * 60 + digits(text, 17, 2);
    const Microseconds day_begins = microseconds(sys_days(date).time_since_epoch()).count();
    return day_begins + second_of_day * kSecond + digits(text, 20, 6);
}

std::string time_to_text(Microseconds time) {
    using namespace std::chrono;
    const sys_time<microseconds> point{microseconds(time)};
    const sys_days day = floor<days>(point);
    const year_month_day date(day);
    const hh_mm_ss clock(point - day);
    const auto padded = [](std::int64_t number, std::size_t width) {
        std::string text = std::to_string(number);
        return std::string(width - std::min(width, text.size()), '0') + text;
    };
    return padded(static_cast<int>(date.year()), 4) + "-" +
           padded(static_cast<unsigned>(date.month()), 2) + "-" +
           padded(static_cast<unsigned>(date.day()), 2) + "T" + padded(clock.hours().count(), 2) +
           ":" + padded(clock.minutes().count(), 2) + ":" + padded(clock.seconds().count(), 2) +
           "." + padded(clock.subseconds().count(), 6) + "Z";
}

std::optional<Speaker> parse_speaker(std::string_view text) {
    if (text == "launcher") {
        return Speaker{Program::launcher, 0};
    }
    if (text == "producer") {
        return Speaker{Program::producer, 0};
    }
    if (!take(text, "consumer")) {
        return std::nullopt;
    }
    if (text.empty()) {
        return Speaker{Program::consumer, 1};
    }
    const auto number = take(text, ".") ? parse_number<unsigned>(text) : std::nullopt;
    if (!number || *number < 1 || *number > kMostConsumers) {
        return std::nullopt;
    }
    return Speaker{Program::consumer, *number};
}

std::optional<LogRecord> parse_record(std::string_view line) {
    if (has_control_character(line)) {
        return std::nullopt;
    }
    const auto time = parse_time(line.substr(0, kTimeForm.size()));
    if (!time) {
        return std::nullopt;
    }
    line.remove_prefix(kTimeForm.size());
    const auto pid = parse_number<std::int64_t>(take_bracketed(line));
    const auto speaker = parse_speaker(take_bracketed(line));
    const auto level = parse_level(take_bracketed(line));
    if (!pid || !speaker || !level || !take(line, " ")) {
        return std::nullopt;
    }
    const std::string_view name = take_name(line);
    return LogRecord{*time, *pid, *speaker, *level, name, line};
}

std::optional<std::string_view> value_of(std::string_view message, std::string_view key) {
    for (std::size_t at = 0; (at = message.find(key, at)) != std::string_view::npos; ++at) {
        const std::size_t end = at + key.size();
        const bool begins_word = at == 0 || message[at - 1] == ' ';
        if (begins_word && end < message.size() && message[end] == '=') {
            const std::string_view value = message.substr(end + 1);
            return value.substr(0, value.find(' '));
        }
    }
    return std::nullopt;
}

std::optional<std::uint64_t> number_of(std::string_view message, std::string_view key) {
    const auto value = value_of(message, key);
    return value ? parse_number<std::uint64_t>(*value) : std::nullopt;
}

std::optional<Microseconds> seconds_of(std::string_view message, std::string_view key) {
    const auto value = value_of(message, key);
    return value ? parse_seconds(*value) : std::nullopt;
}

std::optional<LoggedEvent> parse_event(std::string_view message) {
    const auto* const word = std::ranges::find_if(
        kKindWords, [&](const KindWord& one) { return message.starts_with(one.start); });
    if (word == kKindWords.end()) {
        return std::nullopt;
    }
    message.remove_prefix(word->start.size());
    const auto id = take_number(message);
    if (!id || *id == 0) {
        return std::nullopt;
    }
    LoggedEvent event{word->kind, *id, 1, std::nullopt, {}};
    while (!message.starts_with(" payload=")) {
        if (take(message, " reason=\"")) {
            const auto reason = take_quoted(message);
            if (!reason) {
                return std::nullopt;
            }
            event.reason = *reason;
            continue;
        }
        const auto end = message.find(' ', 1);
        if (!message.starts_with(' ') || end == std::string_view::npos) {
            return std::nullopt;
        }
        std::string_view key = message.substr(1, end - 1);
        message.remove_prefix(end);
        if (take(key, "attempt=")) {
            event.attempt = parse_number<std::uint64_t>(key).value_or(1);
        } else if (take(key, "took=")) {
            event.took = parse_seconds(key);
        }
    }
    return event;
}

}  // namespace drainpipe
