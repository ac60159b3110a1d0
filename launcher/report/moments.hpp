#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "log_record.hpp"

namespace drainpipe {

// Something that a reader wants to know of: when it was, who said it, what it was.
struct Moment {
    enum class Kind { life, stop, death, start, failure, dead_letter, trouble };

    Microseconds time;
    Kind kind;
    std::string who;
    std::string what;
};

// The first and the last of any number of moments, and how many were between.
class Moments {
  public:
    explicit Moments(std::size_t most) : most_(most) {}

    void add(Moment moment);

    // In the order in which they were added; what was left out is between the two.
    const std::vector<Moment>& first() const { return first_; }
    const std::deque<Moment>& last() const { return last_; }
    std::uint64_t left_out() const { return left_out_; }

  private:
    std::size_t most_;  // of the first ones, and of the last ones
    std::vector<Moment> first_;
    std::deque<Moment> last_;
    std::uint64_t left_out_ = 0;
};

}  // namespace drainpipe
