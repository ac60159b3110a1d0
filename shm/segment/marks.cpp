#include "marks.hpp"

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
    for (const Piece& piece : Pieces(first, last, mask_)) {
        point.reached();
        std::memset(static_cast<void*>(marks_ + piece.place), byte_of(mark), piece.count);
        point.reached();
    }
}

std::uint64_t Marks::find_behind(std::uint64_t first, std::uint64_t last, Mark mark) const {
    for (const Piece& piece : Pieces(first, last, mask_)) {
        const Mark* const marks = marks_ + piece.place;
        if (const void* found = std::memchr(marks, byte_of(mark), piece.count)) {
            return piece.first +
                   static_cast<std::uint64_t>(static_cast<const Mark*>(found) - marks);
        }
    }
    return last;
}

std::uint64_t Marks::end_of_run_behind(std::uint64_t first, std::uint64_t last, Mark mark) const {
    for (const Piece& piece : Pieces(first, last, mask_)) {
        const std::uint64_t length =
            length_of_run(marks_ + piece.place, piece.count, byte_of(mark));
        if (length < piece.count) {
            return piece.first + length;
        }
    }
    return last;
}

}  // namespace drainpipe
