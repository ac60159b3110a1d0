#include "event_record.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace drainpipe {
namespace {

constexpr std::size_t kMostShown = 64;

constexpr std::array<std::string_view, 3> kBeforeId{"processed id=", "emptied id=", "drained id="};

bool is_control(char character) {
    const auto byte = static_cast<unsigned char>(character);
    return byte < 0x20 || byte == 0x7f;
}

// A record in the making. Most are short: what they cost is calls, not bytes, so that it is put
// together here, with no look at the room for each part, and appended in one piece.
class Line {
  public:
    void put(char character) { *end_++ = character; }
    void put(std::string_view text) {
        std::memcpy(end_, text.data(), text.size());
        end_ += text.size();
    }
    void put(std::uint64_t number) {
        end_ = std::to_chars(end_, text_.data() + text_.size(), number).ptr;
    }
    void put_escaped(char character);
    void put_shown(std::string_view payload);
    std::string_view text() const {
        return {text_.data(), static_cast<std::size_t>(end_ - text_.data())};
    }

  private:
    static constexpr std::size_t kMostEscaped = 4;  // \x1b
    static constexpr std::size_t kMostDigits = 20;
    static constexpr std::size_t kMostWords = 64;

    std::array<char, kMostEscaped * kMostShown + 2 * kMostDigits + kMostWords> text_;
    char* end_ = text_.data();
};

void Line::put_escaped(char character) {
    constexpr std::string_view kHexDigits = "0123456789abcdef";
    switch (character) {
        case '\n':
            put("\\n");
            return;
        case '\r':
            put("\\r");
            return;
        case '\t':
            put("\\t");
            return;
        default:
            const auto byte = static_cast<unsigned char>(character);
            put("\\x");
            put(kHexDigits[byte >> 4]);
            put(kHexDigits[byte & 15]);
    }
}

void Line::put_shown(std::string_view payload) {
    const std::string_view shown = payload.substr(0, kMostShown);
    if (std::none_of(shown.begin(), shown.end(), is_control)) {
        put(shown);
    } else {
        for (const char character : shown) {
            if (is_control(character)) {
                put_escaped(character);
            } else {
                put(character);
            }
        }
    }
    if (payload.size() > kMostShown) {
        put("...");
    }
}

}  // namespace

void append_shown(std::string& text, std::string_view payload) {
    Line line;
    line.put_shown(payload);
    text += line.text();
}

void append_record(std::string& text, const EventDone& event) {
    Line line;
    line.put(kBeforeId[static_cast<std::size_t>(event.stretch)]);
    line.put(event.id);
    line.put(" payload=");
    line.put_shown(event.payload);
    if (event.attempt > 1) {
        line.put(" attempt=");
        line.put(std::uint64_t{event.attempt});
    }
    text += line.text();
}

}  // namespace drainpipe
