#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "run_history.hpp"

namespace drainpipe {

// What was accepted and what was done by the end of a slice of time.
//
// The log has no record of each acceptance, but ids are in the order of acceptance: by the time an
// event is done, all before it were accepted. That is the least; the most is what the next record
// says that has the exact number.
struct Slice {
    Microseconds begin;
    Microseconds end;
    std::uint64_t accepted_least;
    std::uint64_t accepted_most;
    std::uint64_t done;  // dead letters among them
    std::uint64_t done_in_slice;

    std::uint64_t waiting_least() const { return accepted_least - std::min(done, accepted_least); }
    std::uint64_t waiting_most() const { return accepted_most - std::min(done, accepted_most); }
};

struct Curves {
    std::vector<Slice> slices;
    bool is_broadcast = false;        // each consumer has a record of each event
    bool is_acceptance_exact = true;  // least and most agree well enough to be drawn as one
    // Where nothing tells the most any more: there both are the least. Else behind all.
    Microseconds open_from = std::numeric_limits<Microseconds>::max();

    bool is_open() const { return open_from != std::numeric_limits<Microseconds>::max(); }
};

// Of the whole run, or of its stop: `timeline` is one of the run's two.
Curves curves_of(const RunHistory& run, const Timeline& timeline);

// The numbers of a run, as far as the log has them.
struct RunFigures {
    RunAccount account;
    bool is_final;           // from a summary; else counted from the records
    std::uint64_t records;   // of events done, and those that were left out
    std::uint64_t left_out;  // of these
    std::uint64_t deaths;
    std::uint64_t starts;  // after a death or an end
    std::uint64_t failures;
    double mean_rate;  // done a second, from the first to the last one
    double peak_rate;  // in a sixtieth of the run
};
RunFigures figures_of(const RunHistory& run, const Curves& curves);

}  // namespace drainpipe
