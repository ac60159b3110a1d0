#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace drainpipe {

// Microseconds: of UTC since 1970, or of a duration.
using Microseconds = std::int64_t;

constexpr unsigned kMostConsumers = 64;

enum class Program { launcher, producer, consumer };
enum class Level { info, warning, error };

// Which process of a pipeline: "launcher", "producer", "consumer.2". "consumer" is the first one.
struct Speaker {
    Program program;
    unsigned number;  // of a consumer, from 1; of others 0

    bool operator==(const Speaker&) const = default;
};
std::optional<Speaker> parse_speaker(std::string_view text);

// A line of log/info.log, taken apart. Its text is the line's.
struct LogRecord {
    Microseconds time;
    std::int64_t pid;
    Speaker speaker;
    Level level;
    std::string_view name;  // of the pipeline
    std::string_view message;
};

// Nothing where the line is not one of ours: the fields are looked for where they have to be, so
// that nothing in a payload is taken for one.
std::optional<LogRecord> parse_record(std::string_view line);

// The time of a record, and as one: "2026-11-22T17:40:01.123456Z".
std::optional<Microseconds> parse_time(std::string_view text);
std::string time_to_text(Microseconds time);

// The value of `key=value`, up to the next space. Requires that no text of a user's comes before.
std::optional<std::string_view> value_of(std::string_view message, std::string_view key);
// The same as a number; nothing when it is none.
std::optional<std::uint64_t> number_of(std::string_view message, std::string_view key);
// The same of seconds, "0.012s".
std::optional<Microseconds> seconds_of(std::string_view message, std::string_view key);

enum class EventKind { processed, emptied, drained, failed, dead };

// What a record says of one event.
struct LoggedEvent {
    EventKind kind;
    std::uint64_t id;
    std::uint64_t attempt;
    std::optional<Microseconds> took;
    std::string_view reason;  // as it stands in the record
};

// Nothing where the message is of no event.
std::optional<LoggedEvent> parse_event(std::string_view message);

}  // namespace drainpipe
