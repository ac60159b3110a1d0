#pragma once

#include <string>
#include <vector>

#include "log_record.hpp"

namespace drainpipe {

struct Tick {
    double value;  // in events or per second; of time in microseconds
    std::string label;
};

// 0 and round numbers above it, at most `most` steps; the last one is not below `highest`.
std::vector<Tick> number_ticks(double highest, int most);
// Round times from 0 to `length`, at most `most` steps.
std::vector<Tick> time_ticks(Microseconds length, int most);

}  // namespace drainpipe
