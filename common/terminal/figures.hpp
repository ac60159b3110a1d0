#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace drainpipe {

// Figures as people read them on a screen. Logs and answers to scripts have plain numbers.

// "1,234,567"
std::string grouped(std::uint64_t count);

// "950/s", "4.8k/s", "12M/s"; less than one a second "12/min", "3/h"
std::string rate_text(double per_second);

// "0.4 s", "12 s", "3 min 20 s", "5 h 12 min", "3 d 4 h"
std::string time_text(double seconds);

// "512 B", "30.3 KiB", "16 MiB"
std::string bytes_text(std::uint64_t bytes);

// "[#####     ]", with so many places; `share` is from 0 to 1.
std::string bar_text(double share, std::size_t places);

}  // namespace drainpipe
