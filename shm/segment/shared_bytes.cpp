#include "shared_bytes.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace drainpipe {
namespace {

static_assert(std::endian::native == std::endian::little, "the first byte is the lowest");

constexpr std::uint64_t kEach = 0x0101010101010101;

void store_word(std::uint8_t* byte, std::uint64_t word) {
    std::atomic_ref(*reinterpret_cast<std::uint64_t*>(byte)).store(word, std::memory_order_relaxed);
}

void store_byte(std::uint8_t* byte, std::uint64_t value) {
    std::atomic_ref(*byte).store(static_cast<std::uint8_t>(value), std::memory_order_relaxed);
}

// How many of the first bytes are that one. In blocks, whose words the compiler compares as many at
// once as the processor can.
std::uint64_t length_of_run(const std::uint8_t* bytes, std::uint64_t count, std::uint8_t byte) {
    constexpr std::size_t kWords = 8;
    const std::uint64_t eight = kEach * byte;
    std::uint64_t length = 0;
    for (; count - length >= kWords * 8; length += kWords * 8) {
        std::array<std::uint64_t, kWords> words;
        std::memcpy(words.data(), bytes + length, sizeof words);
        std::uint64_t others = 0;
        for (const std::uint64_t word : words) {
            others |= word ^ eight;
        }
        if (others != 0) {
            break;
        }
    }
    for (; count - length >= 8; length += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes + length, sizeof word);
        if (word != eight) {
            return length + static_cast<unsigned>(std::countr_zero(word ^ eight)) / 8;
        }
    }
    while (length < count && bytes[length] == byte) {
        ++length;
    }
    return length;
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
        for (; end - to >= 64; to += 64) {
            for (int at = 0; at < 64; at += 8) {
                store_word(to + at, kEach * byte);
            }
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

void SharedBytes::count_up_many(std::uint64_t first, std::uint64_t last, FaultPoint point) const {
    for (const Piece& piece : Pieces(first, last, mask_)) {
        std::uint8_t* to = bytes_ + piece.place;
        std::uint8_t* const end = to + piece.count;
        const auto count_one = [&] {
            const std::uint64_t count = load_byte(to);
            point.reached();
            store_byte(to, std::min<std::uint64_t>(count + 1, 0xff));
            point.reached();
            ++to;
        };
        while (to < end && reinterpret_cast<std::uintptr_t>(to) % 8 != 0) {
            count_one();
        }
        while (end - to >= 8) {
            const std::uint64_t word = load_word(to);
            if ((word & kEach << 7) != 0) {  // one may be at its end
                for (int at = 0; at < 8; ++at) {
                    count_one();
                }
                continue;
            }
            point.reached();
            store_word(to, word + kEach);
            point.reached();
            to += 8;
        }
        while (to < end) {
            count_one();
        }
    }
}

SharedBytes::Counts SharedBytes::counts(std::uint64_t first, std::uint64_t last) const {
    Counts counts{};
    for (const Piece& piece : Pieces(first, last, mask_)) {
        std::uint8_t* at = bytes_ + piece.place;
        std::uint8_t* const end = at + piece.count;
        while (at < end) {
            const bool is_aligned = reinterpret_cast<std::uintptr_t>(at) % 8 == 0;
            if (!is_aligned || end - at < 8) {
                ++counts[load_byte(at++)];
                continue;
            }
            const std::uint64_t word = load_word(at);
            std::uint8_t* const begin = at;
            for (at += 8; end - at >= 8 && load_word(at) == word;) {
                at += 8;
            }
            const auto words = static_cast<std::uint64_t>(at - begin) / 8;
            for (unsigned byte = 0; byte < 8; ++byte) {
                counts[static_cast<std::uint8_t>(word >> (8 * byte))] += words;
            }
        }
    }
    return counts;
}

std::uint64_t SharedBytes::find_after(std::uint64_t first, std::uint64_t last,
                                      std::uint8_t byte) const {
    for (const Piece& piece : Pieces(first, last, mask_)) {
        const std::uint8_t* const begin = bytes_ + piece.place;
        if (const void* found = std::memchr(begin, byte, piece.count)) {
            return piece.first +
                   static_cast<std::uint64_t>(static_cast<const std::uint8_t*>(found) - begin);
        }
    }
    return last;
}

std::uint64_t SharedBytes::end_of_run_after(std::uint64_t first, std::uint64_t last,
                                            std::uint8_t byte) const {
    for (const Piece& piece : Pieces(first, last, mask_)) {
        const std::uint64_t length = length_of_run(bytes_ + piece.place, piece.count, byte);
        if (length < piece.count) {
            return piece.first + length;
        }
    }
    return last;
}

}  // namespace drainpipe
