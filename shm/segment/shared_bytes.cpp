#include "shared_bytes.hpp"

#include <bit>

namespace drainpipe {
namespace {

static_assert(std::endian::native == std::endian::little, "the first byte is the lowest");

void store_word(std::uint8_t* byte, std::uint64_t word) {
    std::atomic_ref(*reinterpret_cast<std::uint64_t*>(byte)).store(word, std::memory_order_relaxed);
}

void store_byte(std::uint8_t* byte, std::uint64_t value) {
    std::atomic_ref(*byte).store(static_cast<std::uint8_t>(value), std::memory_order_relaxed);
}

// Which byte of the word is the first that is not zero. Requires that one is not.
unsigned first_set_byte(std::uint64_t word) {
    return static_cast<unsigned>(std::countr_zero(word)) / 8;
}

// A bit in each byte that is zero, and perhaps in bytes above one. Source: S. E. Anderson, Bit
// Twiddling Hacks, "Determine if a word has a zero byte".
std::uint64_t zero_bytes(std::uint64_t word) {
    constexpr std::uint64_t kEach = 0x0101010101010101;
    return (word - kEach) & ~word & (kEach << 7);
}

}  // namespace

void SharedBytes::fill_many(std::uint64_t first, std::uint64_t last, std::uint8_t byte,
                            FaultPoint point) const {
    for (const Piece& piece : Pieces(first, last, mask_)) {
        point.reached();
        std::uint8_t* to = bytes_ + piece.place;
        std::uint8_t* const end = to + piece.count;
        for (; to < end && reinterpret_cast<std::uintptr_t>(to) % 8 != 0; ++to) {
            store_byte(to, byte);
        }
        for (; end - to >= 8; to += 8) {
            store_word(to, kEach * byte);
        }
        for (; to < end; ++to) {
            store_byte(to, byte);
        }
        point.reached();
    }
}

void SharedBytes::count_up(std::uint64_t first, std::uint64_t last, FaultPoint point) const {
    for_each_word(first, last, [&](std::uint64_t event, std::uint64_t word, unsigned bytes) {
        std::uint8_t* const to = bytes_ + (event & mask_);
        point.reached();
        if (bytes == 1) {
            store_byte(to, word < 0xff ? word + 1 : word);
        } else if (zero_bytes(~word) == 0) {
            store_word(to, word + kEach);
        } else {
            for (unsigned at = 0; at < bytes; ++at) {
                const std::uint64_t value = (word >> (8 * at)) & 0xff;
                store_byte(to + at, value < 0xff ? value + 1 : value);
            }
        }
        point.reached();
        return true;
    });
}

std::uint64_t SharedBytes::find_after(std::uint64_t first, std::uint64_t last,
                                      std::uint8_t byte) const {
    std::uint64_t found = last;
    for_each_word(first, last, [&](std::uint64_t event, std::uint64_t word, unsigned bytes) {
        const std::uint64_t zeros = zero_bytes(word ^ (kEach * byte));
        if (zeros == 0 || first_set_byte(zeros) >= bytes) {
            return true;
        }
        found = event + first_set_byte(zeros);
        return false;
    });
    return found;
}

std::uint64_t SharedBytes::end_of_run_after(std::uint64_t first, std::uint64_t last,
                                            std::uint8_t byte) const {
    std::uint64_t found = last;
    for_each_word(first, last, [&](std::uint64_t event, std::uint64_t word, unsigned bytes) {
        std::uint64_t others = word ^ (kEach * byte);
        if (bytes == 1) {
            others &= 0xff;
        }
        if (others == 0) {
            return true;
        }
        found = event + first_set_byte(others);
        return false;
    });
    return found;
}

}  // namespace drainpipe
