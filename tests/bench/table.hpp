#pragma once

#include <string>

#include "statistics.hpp"

namespace drainpipe::bench {

// What the median of the runs' ratios should reach. Where less is better it is a time, ours by the
// peer's; else ours is the larger rate.
struct Target {
    bool less_is_better;
    double at_least;
    double aim;
};

// Writes the results to standard output, line by line as they come.
class Table {
  public:
    void section(const std::string& title, const std::string& note);

    // A row of ours beside a peer; an empty figure says "not built".
    void compare(const std::string& what, const std::string& unit, const Figure& ours,
                 const std::string& peer_name, const Figure& peer, const Target& target);

    // A row of one figure.
    void state(const std::string& what, const std::string& unit, const Figure& figure,
               const std::string& remark = "");
};

}  // namespace drainpipe::bench
