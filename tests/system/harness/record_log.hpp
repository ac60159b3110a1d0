#pragma once

// log/info.log as records. Every line has to be one whole record as the contract shapes it:
// `2026-11-22T17:40:01.123456Z [PID] [program] [level] message`; the first one that is not is kept
// as the log's fault, so that a torn or interleaved line is seen and not skipped.

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace harness {

// Views into the text of the log that it came from.
struct Record {
    std::string_view time;
    pid_t pid;
    std::string_view program;  // launcher, producer, consumer or consumer.N
    std::string_view level;
    std::string_view message;
};

// The value of `key=value` in a message: up to the next space, nothing when the key is not there.
std::optional<std::string_view> value_of(std::string_view message, std::string_view key);
// The same as a number; nothing when it is none.
std::optional<std::uint64_t> number_of(std::string_view message, std::string_view key);

enum class Kind { processed, emptied, drained };

// One event's record.
struct EventRecord {
    Kind kind;
    std::uint64_t id;
    std::string_view payload;  // as shown: escaped and cut
    std::uint64_t attempt;     // 1 when the record names none
    pid_t pid;
    std::string_view time = {};  // of its record
};

// How many of them carry an attempt: those that were in flight when somebody was killed.
std::uint64_t count_marked(const std::vector<EventRecord>& events);

// The summary's numbers.
struct Account {
    std::uint64_t accepted;
    std::uint64_t processed;
    std::uint64_t emptied;
    std::uint64_t drained;
    std::uint64_t left;
    std::uint64_t redelivered;
};

class RecordLog {
  public:
    explicit RecordLog(std::string text);
    // Records are views into the text, which must not move.
    RecordLog(const RecordLog&) = delete;
    RecordLog& operator=(const RecordLog&) = delete;

    // The first line that is not a whole record, with its number; empty when all are.
    [[nodiscard]] const std::string& fault() const { return fault_; }
    [[nodiscard]] const std::vector<Record>& records() const& { return records_; }
    void records() && = delete;  // they are views into the log
    // Records whose message starts with these words, of any program, in the file's order.
    [[nodiscard]] std::vector<Record> starting(std::string_view words) const;
    // The message of the first such record; empty when there is none.
    [[nodiscard]] std::string_view first(std::string_view words) const;
    // `processed`, `emptied` and `drained` records in the file's order.
    [[nodiscard]] std::vector<EventRecord> events() const;
    // The account of the last `summary` record; nothing when it is missing or incomplete.
    [[nodiscard]] std::optional<Account> account() const;

  private:
    const std::string text_;
    std::vector<Record> records_;
    std::string fault_;
};

}  // namespace harness
