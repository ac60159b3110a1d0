#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "mark.hpp"

namespace drainpipe {

struct EventDone {
    Stretch stretch;
    std::uint64_t id;
    std::uint32_t attempt;
    std::string_view payload;
};

// Appends the record's message: "processed id=17 payload=17", with " attempt=2" behind it from the
// second attempt on. The payload is shown as append_shown() shows it.
void append_record(std::string& text, const EventDone& event);

// Appends at most the first 64 bytes of the payload, with "..." for the rest, as escape.hpp has it.
void append_shown(std::string& text, std::string_view payload);

}  // namespace drainpipe
