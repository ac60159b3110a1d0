#pragma once

#include <cstdint>
#include <optional>

#include "copy_bytes.hpp"
#include "drainpipe/consumer.hpp"
#include "line_output.hpp"
#include "text_block.hpp"
#include "work.hpp"

// What an outcome of a user's function means to the consumer.
namespace drainpipe {

// The line that what is done puts out.
inline void append_line(TextBlock& lines, const Outcome& outcome) {
    if (outcome.kind() == Outcome::Kind::done && outcome.has_text()) {
        char* end = copy_bytes(lines.room(outcome.text().size() + 1), outcome.text());
        *end++ = '\n';
        lines.grow_to(end);
    }
}

inline void write_lines(TextBlock& lines, LineOutput& output) {
    if (lines.size() > 0) {
        output.write(lines.text());
        lines.clear();
    }
}

inline void tell(Work::Outcomes& outcomes, std::uint64_t id, const Outcome& outcome,
                 std::optional<Work::Clock::duration> took = std::nullopt) {
    switch (outcome.kind()) {
        case Outcome::Kind::done:
            outcomes.done(id, took);
            break;
        case Outcome::Kind::retry:
            outcomes.failed(id, outcome.text(), "");
            break;
        case Outcome::Kind::dead:
            outcomes.dead(id, outcome.text(), "");
            break;
    }
}

}  // namespace drainpipe
