#pragma once

#include <cstdint>

namespace drainpipe {

// Of these headers. Until 1.0 another minor version is another interface.
inline constexpr int kVersionMajor = 0;
inline constexpr int kVersionMinor = 2;
inline constexpr int kVersionPatch = 0;

// Of the library that is linked, as "0.2.0".
[[gnu::visibility("default")]] const char* version();

// Of the segments that it reads and writes. A stage and a launcher of different ones refuse each
// other.
[[gnu::visibility("default")]] std::uint32_t layout_version();

}  // namespace drainpipe
