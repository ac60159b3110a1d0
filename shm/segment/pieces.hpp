#pragma once

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>

namespace drainpipe {

// Events that lie side by side in an array where event n has place n % places.
struct Piece {
    std::uint64_t first;  // event
    std::uint64_t place;
    std::uint64_t count;
};

// The events [first, last) as such an array has them: in one piece, or in two where they go on at
// its begin. `mask` is its size, a power of two, less one; requires first <= last and no more
// events than places.
class Pieces {
  public:
    Pieces(std::uint64_t first, std::uint64_t last, std::uint64_t mask) {
        assert(first <= last && last - first <= mask + 1);
        const std::uint64_t place = first & mask;
        const std::uint64_t count = std::min(last - first, mask + 1 - place);
        pieces_ = {{{first, place, count}, {first + count, 0, last - first - count}}};
        size_ = last == first ? 0 : pieces_[1].count == 0 ? 1 : 2;
    }

    const Piece* begin() const { return pieces_.data(); }
    const Piece* end() const { return pieces_.data() + size_; }

  private:
    std::array<Piece, 2> pieces_;
    std::size_t size_;
};

// How many of so many places `is` is true of. In blocks that a byte can count, so that the compiler
// adds up as many at once as the processor can.
template <typename Is>
std::uint64_t count_places(std::uint64_t places, Is is) {
    constexpr std::uint64_t kBlock = 128;
    std::uint64_t count = 0;
    for (std::uint64_t begin = 0; begin < places; begin += kBlock) {
        const std::uint64_t end = std::min(begin + kBlock, places);
        std::uint8_t of_block = 0;
        for (std::uint64_t place = begin; place < end; ++place) {
            of_block = static_cast<std::uint8_t>(of_block + (is(place) ? 1 : 0));
        }
        count += of_block;
    }
    return count;
}

}  // namespace drainpipe
