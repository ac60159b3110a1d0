#include "event_record.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace drainpipe {
namespace {

constexpr std::size_t kMostShown = 64;

constexpr std::array<std::string_view, 3> kBeforeId{"processed id=", "emptied id=", "drained id="};

bool is_control(char character) {
    const auto byte = static_cast<unsigned char>(character);
    return byte < 0x20 || byte == 0x7f;
}

void append_number(std::string& text, std::uint64_t number) {
    std::array<char, 20> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    text.append(digits.data(), end);
}

void append_escaped(std::string& text, char character) {
    constexpr std::string_view kHexDigits = "0123456789abcdef";
    switch (character) {
        case '\n':
            text += "\\n";
            return;
        case '\r':
            text += "\\r";
            return;
        case '\t':
            text += "\\t";
            return;
        default:
            const auto byte = static_cast<unsigned char>(character);
            text += "\\x";
            text += kHexDigits[byte >> 4];
            text += kHexDigits[byte & 15];
    }
}

}  // namespace

void append_shown(std::string& text, std::string_view payload) {
    const std::string_view shown = payload.substr(0, kMostShown);
    if (std::none_of(shown.begin(), shown.end(), is_control)) {
        text += shown;
    } else {
        for (const char character : shown) {
            if (is_control(character)) {
                append_escaped(text, character);
            } else {
                text += character;
            }
        }
    }
    if (payload.size() > kMostShown) {
        text += "...";
    }
}

void append_record(std::string& text, const EventDone& event) {
    text += kBeforeId[static_cast<std::size_t>(event.stretch)];
    append_number(text, event.id);
    text += " payload=";
    append_shown(text, event.payload);
    if (event.attempt > 1) {
        text += " attempt=";
        append_number(text, event.attempt);
    }
}

}  // namespace drainpipe
