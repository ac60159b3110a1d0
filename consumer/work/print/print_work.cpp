#include "print_work.hpp"

#include "copy_bytes.hpp"

namespace drainpipe {

std::size_t PrintWork::start(std::span<const Event> events) {
    std::size_t started = 0;
    for (; started < events.size() && lines_.size() < kFlushBytes; ++started) {
        const std::string_view payload = events[started].payload;
        char* end = copy_bytes(lines_.room(payload.size() + 1), payload);
        *end++ = '\n';
        lines_.grow_to(end);
    }
    return started;
}

void PrintWork::advance(Outcomes&) {
    if (lines_.size() > 0) {
        output_.write(lines_.text());
        lines_.clear();
    }
}

}  // namespace drainpipe
