#include "print_work.hpp"

#include "copy_bytes.hpp"

namespace drainpipe {

void PrintWork::start(const Event& event) {
    char* end = copy_bytes(lines_.room(event.payload.size() + 1), event.payload);
    *end++ = '\n';
    lines_.grow_to(end);
}

void PrintWork::advance(Outcomes&) {
    if (lines_.size() > 0) {
        output_.write(lines_.text());
        lines_.clear();
    }
}

}  // namespace drainpipe
