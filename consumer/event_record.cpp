#include "event_record.hpp"

#include <array>
#include <charconv>

#include "copy_bytes.hpp"
#include "escape.hpp"

namespace drainpipe {
namespace {

constexpr std::size_t kMaxShown = 64;
constexpr std::size_t kMaxDigits = 20;
constexpr std::size_t kMaxWords = 64;  // of the record's own

static_assert(kMaxEscaped * kMaxShown + 2 * kMaxDigits + kMaxWords <= kMaxRecord);

constexpr std::array<std::string_view, 3> kBeforeId{"processed id=", "emptied id=", "drained id="};

char* write_number(char* end, std::uint64_t number) {
    return std::to_chars(end, end + kMaxDigits, number).ptr;
}

char* write_shown(char* end, std::string_view payload) {
    const bool is_cut = payload.size() > kMaxShown;
    const std::string_view shown = is_cut ? whole_characters(payload, kMaxShown) : payload;
    end = is_plain(shown) ? copy_bytes(end, shown) : write_escaped(end, shown);
    return is_cut ? copy_bytes(end, "...") : end;
}

}  // namespace

char* write_record(char* end, CompletionKind kind, const Event& event) {
    end = copy_bytes(end, kBeforeId[static_cast<std::size_t>(kind)]);
    end = write_number(end, event.id);
    if (event.attempt > 1) {
        end = copy_bytes(end, " attempt=");
        end = write_number(end, event.attempt);
    }
    end = copy_bytes(end, " payload=");
    return write_shown(end, event.payload);
}

}  // namespace drainpipe
