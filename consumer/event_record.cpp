#include "event_record.hpp"

#include <array>
#include <charconv>

#include "copy_bytes.hpp"
#include "escape.hpp"

namespace drainpipe {
namespace {

constexpr std::size_t kMaxShown = 64;
constexpr std::size_t kMaxDigits = 20;
constexpr std::size_t kMaxWords = 96;  // of the record's own

static_assert(kMaxEscaped * kMaxShown + 2 * kMaxDigits + kMaxWords <= kMaxRecord);

constexpr std::array<std::string_view, 3> kBeforeId{"processed id=", "emptied id=", "drained id="};
constexpr std::size_t kMaxReason = 256;

char* write_number(char* end, std::uint64_t number) {
    return std::to_chars(end, end + kMaxDigits, number).ptr;
}

char* write_shown(char* end, std::string_view payload) {
    const bool is_cut = payload.size() > kMaxShown;
    const std::string_view shown = is_cut ? whole_characters(payload, kMaxShown) : payload;
    end = is_plain(shown) ? copy_bytes(end, shown) : write_escaped(end, shown);
    return is_cut ? copy_bytes(end, "...") : end;
}

char* write_took(char* end, std::chrono::steady_clock::duration took) {
    end = copy_bytes(end, " took=");
    end = std::to_chars(end, end + kMaxDigits, std::chrono::duration<double>(took).count(),
                        std::chars_format::fixed, 3)
              .ptr;
    return copy_bytes(end, "s");
}

std::string shown_payload(std::string_view payload) {
    std::string shown(kMaxRecord, '\0');
    shown.resize(static_cast<std::size_t>(write_shown(shown.data(), payload) - shown.data()));
    return shown;
}

// As a value between quotes.
std::string quoted(std::string_view text) {
    std::string value = "\"";
    for (const char character : escaped(whole_characters(text, kMaxReason))) {
        if (character == '"' || character == '\\') {
            value += '\\';
        }
        value += character;
    }
    return value + '"';
}

std::string begin_of_failure(std::string_view what, const Event& event, std::string_view reason) {
    return std::string(what) + " id=" + std::to_string(event.id()) +
           " attempt=" + std::to_string(event.attempt()) + " reason=" + quoted(reason);
}

}  // namespace

char* write_record(char* end, CompletionKind kind, const Event& event, Took took) {
    end = copy_bytes(end, kBeforeId[static_cast<std::size_t>(kind)]);
    end = write_number(end, event.id());
    if (event.attempt() > 1) {
        end = copy_bytes(end, " attempt=");
        end = write_number(end, event.attempt());
    }
    if (took) {
        end = write_took(end, *took);
    }
    end = copy_bytes(end, " payload=");
    return write_shown(end, event.payload());
}

std::string failed_record(const Event& event, std::string_view reason,
                          std::optional<std::chrono::steady_clock::duration> retry_in) {
    std::string record = begin_of_failure("failed", event, reason);
    if (retry_in) {
        std::array<char, 2 * kMaxDigits> text;
        const double seconds = std::chrono::duration<double>(*retry_in).count();
        char* const end =
            std::to_chars(text.begin(), text.end(), seconds, std::chars_format::fixed, 3).ptr;
        record += " retry_in=" + std::string(text.begin(), end) + "s";
    }
    return record + " payload=" + shown_payload(event.payload());
}

std::string dead_record(const Event& event, std::string_view reason) {
    return begin_of_failure("dead", event, reason) + " payload=" + shown_payload(event.payload());
}

}  // namespace drainpipe
