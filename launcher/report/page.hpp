#pragma once

#include <string>
#include <vector>

#include "run_history.hpp"

namespace drainpipe {

// What was read, as far as it is of no run.
struct LogRead {
    std::string path;
    std::uint64_t lines = 0;
    std::uint64_t foreign_lines = 0;
    std::uint64_t other_runs = 0;  // in the log, and not shown
};

// A page of HTML with a picture of each run: needs no script and nothing from anywhere.
std::string page_of(const std::vector<const RunHistory*>& runs, const LogRead& read);

// The picture of a run alone: an SVG by itself.
std::string picture_of(const RunHistory& run);

}  // namespace drainpipe
