#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace drainpipe {

// An event that was given up, and why.
struct DeadLetter {
    // So many bytes of standard error are kept, the last ones.
    static constexpr std::size_t kMaxErrors = 4096;

    std::uint64_t id;
    std::string run;   // together with the id it names the event once and for all
    std::string time;  // 2026-11-22T17:40:01.123456Z
    std::uint32_t attempts;
    std::string reason;
    std::string payload;
    std::string errors;           // what the last attempt wrote to standard error; empty: nothing
    std::string attributes = {};  // as Event::attributes() has them

    bool operator==(const DeadLetter&) const = default;
};

// The letter as a JSON object on one line, with its newline; the keys in the order of the members.
// A payload that is not UTF-8 is in `payload_base64`; elsewhere what is not becomes U+FFFD. No
// `stderr` and no `attributes` (an object) where there are none.
std::string to_line(const DeadLetter& letter);

// Reads such a line, without its newline; keys that it does not know it passes over. Nothing where
// it is no letter.
std::optional<DeadLetter> parse_dead_letter(std::string_view line);

}  // namespace drainpipe
