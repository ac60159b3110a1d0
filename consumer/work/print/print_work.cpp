#include "print_work.hpp"

#include "copy_bytes.hpp"

namespace drainpipe {

std::size_t PrintWork::start(std::span<const Event> events) {
    std::size_t started = 0;
    for (; started < events.size() && (lines_.size() < kFlushBytes || ends_ == Ends::later);
         ++started) {
        if (ends_ == Ends::later) {
            started_.push_back(events[started].id());
        }
        const std::string_view payload = events[started].payload();
        char* end = copy_bytes(lines_.room(payload.size() + 1), payload);
        *end++ = '\n';
        lines_.grow_to(end);
    }
    return started;
}

void PrintWork::advance(Outcomes& outcomes) {
    if (lines_.size() > 0) {
        output_.write(lines_.text());
        lines_.clear();
    }
    for (const std::uint64_t id : started_) {
        outcomes.done(id, std::nullopt);
    }
    started_.clear();
}

}  // namespace drainpipe
