#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "fault_point.hpp"
#include "pieces.hpp"

namespace drainpipe {

// An array of bytes in the segment, a byte for each event, that some processes write while others
// read: every access is atomic but those that look far where nobody writes (find, end_of_run). They
// are relaxed: what orders them is the ring's lock, or the fences of the process that reads without
// it (see layout.hpp, "Memory orders").
//
// Ranges are [first, last) of events, first <= last, of at most as many events as there are bytes.
// Inside of them eight bytes are accessed as one where they are aligned so; the language leaves
// accesses of mixed size open, x86-64 and aarch64 make each byte of them atomic.
class SharedBytes {
  public:
    // `count` bytes, a power of two and at least eight, aligned as words are; they outlive this
    // object.
    SharedBytes(std::uint8_t* bytes, std::uint64_t count) : bytes_(bytes), mask_(count - 1) {}

    std::uint8_t load(std::uint64_t event) const {
        return std::atomic_ref(bytes_[event & mask_]).load(std::memory_order_relaxed);
    }
    void store(std::uint64_t event, std::uint8_t byte,
               FaultPoint point = FaultPoint::here()) const {
        point.reached();
        std::atomic_ref(bytes_[event & mask_]).store(byte, std::memory_order_relaxed);
        point.reached();
    }
    void fill(std::uint64_t first, std::uint64_t last, std::uint8_t byte,
              FaultPoint point = FaultPoint::here()) const {
        if (last - first == 1) {
            store(first, byte, point);
        } else {
            fill_many(first, last, byte, point);
        }
    }
    // Adds one to each, up to 255.
    void count_up(std::uint64_t first, std::uint64_t last,
                  FaultPoint point = FaultPoint::here()) const {
        if (last - first != 1) {
            count_up_many(first, last, point);
        } else if (const std::uint8_t count = load(first); count < 0xff) {
            store(first, static_cast<std::uint8_t>(count + 1), point);
        }
    }

    // Not atomic, for these may have to look far: they require that nobody writes there meanwhile,
    // by the ring's lock or because the caller alone may.
    //
    // The first event of the range whose byte it is; `last` where there is none.
    std::uint64_t find(std::uint64_t first, std::uint64_t last, std::uint8_t byte) const {
        return first < last && load(first) == byte ? first : find_after(first, last, byte);
    }
    // The first event of the range whose byte it is not; `last` where there is none.
    std::uint64_t end_of_run(std::uint64_t first, std::uint64_t last, std::uint8_t byte) const {
        if (first == last || load(first) != byte) {
            return first;
        }
        return first + 1 == last ? last : end_of_run_after(first + 1, last, byte);
    }

    // How many bytes of the range `is` is true of.
    template <typename Is>
    std::uint64_t count(std::uint64_t first, std::uint64_t last, Is is) const {
        std::uint64_t count = 0;
        for (const Piece& piece : Pieces(first, last, mask_)) {
            std::uint8_t* at = bytes_ + piece.place;
            std::uint8_t* const end = at + piece.count;
            for (; at < end && reinterpret_cast<std::uintptr_t>(at) % 8 != 0; ++at) {
                count += is(static_cast<std::uint8_t>(load_byte(at))) ? 1 : 0;
            }
            for (; end - at >= 8; at += 8) {
                const std::uint64_t word = load_word(at);
                for (unsigned byte = 0; byte < 8; ++byte) {
                    count += is(static_cast<std::uint8_t>(word >> (8 * byte))) ? 1 : 0;
                }
            }
            for (; at < end; ++at) {
                count += is(static_cast<std::uint8_t>(load_byte(at))) ? 1 : 0;
            }
        }
        return count;
    }

    // How many bytes of the range there are of each value. Eight that are alike cost as one.
    using Counts = std::array<std::uint64_t, 256>;
    Counts counts(std::uint64_t first, std::uint64_t last) const;

  private:
    static std::uint64_t load_word(std::uint8_t* byte) {
        return std::atomic_ref(*reinterpret_cast<std::uint64_t*>(byte))
            .load(std::memory_order_relaxed);
    }
    static std::uint64_t load_byte(std::uint8_t* byte) {
        return std::atomic_ref(*byte).load(std::memory_order_relaxed);
    }

    void fill_many(std::uint64_t first, std::uint64_t last, std::uint8_t byte,
                   FaultPoint point) const;
    void count_up_many(std::uint64_t first, std::uint64_t last, FaultPoint point) const;
    std::uint64_t find_after(std::uint64_t first, std::uint64_t last, std::uint8_t byte) const;
    std::uint64_t end_of_run_after(std::uint64_t first, std::uint64_t last,
                                   std::uint8_t byte) const;

    std::uint8_t* bytes_;
    std::uint64_t mask_;
};

}  // namespace drainpipe
