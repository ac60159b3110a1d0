#include "event_record.hpp"

#include <array>
#include <charconv>
#include <cstring>

#include "escape.hpp"

namespace drainpipe {
namespace {

constexpr std::size_t kMostShown = 64;

constexpr std::array<std::string_view, 3> kBeforeId{"processed id=", "emptied id=", "drained id="};

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
    void put_shown(std::string_view payload);
    std::string_view text() const {
        return {text_.data(), static_cast<std::size_t>(end_ - text_.data())};
    }

  private:
    static constexpr std::size_t kMostDigits = 20;
    static constexpr std::size_t kMostWords = 64;

    std::array<char, kMostEscaped * kMostShown + 2 * kMostDigits + kMostWords> text_;
    char* end_ = text_.data();
};

void Line::put_shown(std::string_view payload) {
    const std::string_view shown = payload.substr(0, kMostShown);
    if (is_plain(shown)) {
        put(shown);
    } else {
        end_ = write_escaped(end_, shown);
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
