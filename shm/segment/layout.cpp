#include "layout.hpp"

#include <algorithm>
#include <bit>

namespace drainpipe {

Geometry Geometry::of(std::uint64_t capacity, std::uint64_t buffer_bytes, std::uint64_t alignment,
                      bool is_tracked) {
    const std::uint64_t remembered = is_tracked ? std::max(kMinRemembered, capacity) : 1;
    return {.capacity = capacity,
            .slots = std::bit_ceil(capacity + remembered),
            .buffer_bytes = buffer_bytes,
            .buffer_span = std::bit_ceil(buffer_bytes < kPageBytes ? kPageBytes : buffer_bytes),
            .alignment = static_cast<std::uint32_t>(alignment),
            .is_tracked = is_tracked ? 1U : 0U};
}

bool Geometry::is_sound() const {
    return capacity >= 1 && capacity <= kMaxCapacity && buffer_bytes >= 1 &&
           buffer_bytes <= kMaxBuffer && std::has_single_bit(alignment) &&
           alignment <= kMaxAlignment && is_tracked <= 1 &&
           *this == of(capacity, buffer_bytes, alignment, is_tracked != 0);
}

std::size_t Geometry::slots_offset() const { return kHeaderBytes + kHistoryBytes; }

std::size_t Geometry::retry_times_offset() const { return slots_offset() + slots * sizeof(Slot); }

std::size_t Geometry::states_offset() const {
    return retry_times_offset() + slots * sizeof(std::uint32_t);
}

std::size_t Geometry::attempts_offset() const {
    return states_offset() + slots * sizeof(EventState);
}

std::size_t Geometry::keys_offset() const { return attempts_offset() + slots; }

std::size_t Geometry::marks_offset() const {
    return keys_offset() + is_tracked * slots * sizeof(std::uint64_t);
}

std::size_t Geometry::buffer_offset() const {
    const std::size_t end = marks_offset() + is_tracked * slots;
    return (end + kPageBytes - 1) / kPageBytes * kPageBytes;
}

std::size_t Geometry::segment_bytes() const { return buffer_offset() + buffer_span; }

}  // namespace drainpipe
