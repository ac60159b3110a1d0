#pragma once

#include <string>
#include <vector>

#include "run_curves.hpp"
#include "run_history.hpp"

namespace drainpipe {

// What there is to say of a run in words, the same in the picture and in the table.

// "drainpipe, run 5f1c0e9a"
std::string title_of(const RunHistory& run);
// The same, told apart from other runs of the name that are shown with it.
std::string title_among(const std::vector<const RunHistory*>& runs, const RunHistory& run);
// When it was, in UTC, and how long.
std::string when_of(const RunHistory& run);
// How it ended, in a sentence or two.
std::string ending_of(const RunHistory& run);
// Whether the numbers add up, and by how much not.
std::string check_of(const RunHistory& run, const RunFigures& figures, const Curves& curves);
// What a reader has to know of how far the log can be trusted: a sentence each.
std::vector<std::string> caveats_of(const RunHistory& run, const RunFigures& figures,
                                    const Curves& curves);

// The steps of a stop, and what else divides the time.
struct Step {
    Microseconds time;
    std::string label;
    bool is_of_stop;
};
std::vector<Step> steps_of(const RunHistory& run);

// "consumer 2"; number 0 is the producer.
std::string stage_name(std::size_t number);
// "5,000 done, 2 deaths"
std::string stage_text(const Counts& counts);
// Whether there is anything to say of the stage of that number.
bool is_notable(const Counts& counts, std::size_t number);

// The moments in the order of time, and what was left out among them.
struct MomentList {
    std::vector<Moment> moments;
    std::uint64_t left_out;
    std::uint64_t failures_left_out;
};
MomentList moments_of(const RunHistory& run);

}  // namespace drainpipe
