#pragma once

#include <array>
#include <cstdint>

namespace drainpipe::bench {

// What goes through a pipeline of stages of a user's own: a number from 0, and others that follow
// from it.
struct alignas(16) TypedEvent {
    std::uint64_t number;
    std::array<std::uint64_t, 7> others;
};
static_assert(sizeof(TypedEvent) == 64);

inline constexpr std::uint64_t kOther = 0x7878787878787878;

}  // namespace drainpipe::bench
