#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace drainpipe::bench {

// One figure, measured several times.
class Figure {
  public:
    void add(double value) { values_.push_back(value); }

    bool is_empty() const { return values_.empty(); }

    // In the order in which they were measured.
    const std::vector<double>& values() const { return values_; }

    // The value that a share of all of them lies below. Like those that follow it, requires that
    // there is one.
    double at(double share) const {
        std::vector<double> sorted = values_;
        std::ranges::sort(sorted);
        const auto index = static_cast<std::size_t>(share * static_cast<double>(sorted.size()));
        return sorted[std::min(index, sorted.size() - 1)];
    }
    double median() const { return at(0.5); }
    double least() const { return at(0); }
    double most() const { return at(1); }

  private:
    std::vector<double> values_;
};

// Each measurement by the one that was taken beside it: what else the machine was doing falls on
// both.
inline Figure ratio_of(const Figure& ours, const Figure& peer) {
    Figure ratio;
    for (std::size_t run = 0; run < std::min(ours.values().size(), peer.values().size()); ++run) {
        ratio.add(ours.values()[run] / peer.values()[run]);
    }
    return ratio;
}

}  // namespace drainpipe::bench
