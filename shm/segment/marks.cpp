#include "marks.hpp"

#include <algorithm>
#include <cstring>

namespace drainpipe {
namespace {

std::uint8_t byte_of(Mark mark) {
    std::uint8_t byte;
    std::memcpy(&byte, &mark, 1);
    return byte;
}

// How many of the first marks are that byte: eight at a time, then one by one.
std::uint64_t length_of_run(const Mark* marks, std::uint64_t count, std::uint8_t byte) {
    const std::uint64_t eight = 0x0101010101010101u * byte;
    std::uint64_t length = 0;
    while (length + 8 <= count) {
        std::uint64_t found;
        std::memcpy(&found, marks + length, sizeof found);
        if (found != eight) {
            break;
        }
        length += 8;
    }
    while (length < count && byte_of(marks[length]) == byte) {
        ++length;
    }
    return length;
}

}  // namespace

void Marks::fill_many(std::uint64_t first, std::uint64_t last, Mark mark, FaultPoint point) const {
    while (first < last) {
        point.reached();
        const std::uint64_t place = first & mask_;
        const std::uint64_t count = std::min(last - first, mask_ + 1 - place);
        std::memset(static_cast<void*>(marks_ + place), byte_of(mark), count);
        first += count;
        point.reached();
    }
}

std::uint64_t Marks::find_behind(std::uint64_t first, std::uint64_t last, Mark mark) const {
    while (first < last) {
        const std::uint64_t place = first & mask_;
        const std::uint64_t count = std::min(last - first, mask_ + 1 - place);
        if (const void* found = std::memchr(marks_ + place, byte_of(mark), count)) {
            return first +
                   static_cast<std::uint64_t>(static_cast<const Mark*>(found) - (marks_ + place));
        }
        first += count;
    }
    return last;
}

std::uint64_t Marks::end_of_run_behind(std::uint64_t first, std::uint64_t last, Mark mark) const {
    while (first < last) {
        const std::uint64_t place = first & mask_;
        const std::uint64_t count = std::min(last - first, mask_ + 1 - place);
        const std::uint64_t length = length_of_run(marks_ + place, count, byte_of(mark));
        first += length;
        if (length < count) {
            break;
        }
    }
    return first;
}

std::uint64_t Marks::count_undone(std::uint64_t first, std::uint64_t last) const {
    std::uint64_t undone = 0;
    for (std::uint64_t event = first; event < last; ++event) {
        undone += at(event).is_done() ? 0 : 1;
    }
    return undone;
}

}  // namespace drainpipe
