#include "wire.hpp"

#include <array>
#include <charconv>

namespace drainpipe::wire {
namespace {

constexpr std::array<std::string_view, 4> kReasons{"end", "shutdown", "leaving", "stalled"};

bool take_prefix(std::string_view& text, std::string_view prefix) {
    if (!text.starts_with(prefix)) {
        return false;
    }
    text.remove_prefix(prefix.size());
    return true;
}

bool take_number(std::string_view& text, std::uint64_t& number) {
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc()) {
        return false;
    }
    text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
    return true;
}

std::optional<Reason> reason_named(std::string_view name) {
    for (std::size_t index = 0; index < kReasons.size(); ++index) {
        if (kReasons[index] == name) {
            return static_cast<Reason>(index);
        }
    }
    return std::nullopt;
}

}  // namespace

std::string accepted_line(std::uint64_t accepted) {
    return "accepted=" + std::to_string(accepted) + "\n";
}

std::string refused_line(std::uint64_t event, std::uint64_t bytes, std::uint64_t limit) {
    return "refused event=" + std::to_string(event) + " bytes=" + std::to_string(bytes) +
           " limit=" + std::to_string(limit) + "\n";
}

std::string closed_line(std::uint64_t accepted, Reason reason) {
    return "closed accepted=" + std::to_string(accepted) +
           " reason=" + std::string(kReasons[static_cast<std::size_t>(reason)]) + "\n";
}

std::optional<Answer> parse_answer(std::string_view line) {
    Answer answer{};
    if (take_prefix(line, "refused ")) {
        answer.kind = Answer::Kind::refused;
        return take_prefix(line, "event=") && take_number(line, answer.event)
                   ? std::optional(answer)
                   : std::nullopt;
    }
    const bool is_closed = take_prefix(line, "closed ");
    answer.kind = is_closed ? Answer::Kind::closed : Answer::Kind::accepted;
    if (!take_prefix(line, "accepted=") || !take_number(line, answer.accepted)) {
        return std::nullopt;
    }
    if (is_closed) {
        if (!take_prefix(line, " reason=")) {
            return std::nullopt;
        }
        const std::optional<Reason> reason = reason_named(line);
        if (!reason) {
            return std::nullopt;
        }
        answer.reason = *reason;
    } else if (!line.empty()) {
        return std::nullopt;
    }
    return answer;
}

}  // namespace drainpipe::wire
