#include "layout.hpp"

#include <bit>

namespace drainpipe {

Geometry Geometry::of(std::uint64_t capacity, std::uint64_t buffer_bytes, std::uint64_t alignment) {
    return {.capacity = capacity,
            .slots = std::bit_ceil(capacity + 1),
            .buffer_bytes = buffer_bytes,
            .buffer_span = std::bit_ceil(buffer_bytes < kPageBytes ? kPageBytes : buffer_bytes),
            .alignment = alignment};
}

bool Geometry::is_sound() const {
    return capacity >= 1 && capacity <= kMaxCapacity && buffer_bytes >= 1 &&
           buffer_bytes <= kMaxBuffer && std::has_single_bit(alignment) &&
           alignment <= kMaxAlignment && *this == of(capacity, buffer_bytes, alignment);
}

std::size_t Geometry::slots_offset() const { return kHeaderBytes + kHistoryBytes; }

std::size_t Geometry::retry_times_offset() const { return slots_offset() + slots * sizeof(Slot); }

std::size_t Geometry::states_offset() const {
    return retry_times_offset() + slots * sizeof(std::uint32_t);
}

std::size_t Geometry::attempts_offset() const {
    return states_offset() + slots * sizeof(EventState);
}

std::size_t Geometry::buffer_offset() const {
    const std::size_t end = attempts_offset() + slots;
    return (end + kPageBytes - 1) / kPageBytes * kPageBytes;
}

std::size_t Geometry::segment_bytes() const { return buffer_offset() + buffer_span; }

}  // namespace drainpipe
