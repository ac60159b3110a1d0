#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "run_history.hpp"

namespace drainpipe {

// What was accepted and what was done by the end of a slice of time.
//
// The log has no record of each acceptance. Its records of progress have the exact number; between
// two of them it is estimated.
struct Slice {
    Microseconds begin;
    Microseconds end;
    std::uint64_t accepted = 0;
    std::uint64_t done = 0;
    std::uint64_t dead = 0;
    std::uint64_t done_in_slice = 0;
    bool is_exact = true;  // accepted, or so near to it that it can be drawn as that

    std::uint64_t waiting() const { return accepted - std::min(done + dead, accepted); }
};

struct Curves {
    std::vector<Slice> slices;
    // The first one whose numbers are those of the whole run; a log may begin in the middle of it.
    std::size_t first_known = 0;
    bool is_broadcast = false;        // each consumer has a record of each event
    bool is_acceptance_exact = true;  // in all slices
    // From where on `accepted` is the least that it can be. Else behind all.
    Microseconds open_from = std::numeric_limits<Microseconds>::max();

    bool is_open() const { return open_from != std::numeric_limits<Microseconds>::max(); }
};

// Of the whole run, or of its stop: `timeline` is one of the run's two.
Curves curves_of(const RunHistory& run, const Timeline& timeline);

// Several slices as one row of a table.
struct Row {
    Slice last;
    std::uint64_t done;  // in all of them
    double rate;         // done a second
};
std::vector<Row> rows_of(const Curves& curves, std::size_t most);

// The numbers of a run, as far as the log has them.
struct RunFigures {
    RunAccount account;
    bool is_final;           // from a summary; else counted from the records
    bool has_accepted;       // the account has all that were accepted; else at least so many
    bool has_left;           // the same of what is left
    std::uint64_t records;   // of events done or given up, and those that were left out
    std::uint64_t left_out;  // of these
    std::uint64_t deaths;
    std::uint64_t starts;  // after a death or an end
    std::uint64_t failures;
    double mean_rate;  // done a second, from the first to the last one
    double peak_rate;  // in a sixtieth of the run
};
RunFigures figures_of(const RunHistory& run, const Curves& curves);

}  // namespace drainpipe
