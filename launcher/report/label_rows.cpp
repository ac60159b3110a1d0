#include "label_rows.hpp"

#include <algorithm>
#include <utility>

namespace drainpipe {
namespace {

constexpr double kApart = 8;  // from the line to the label's far end, and a little air

double begin_of(const LabelRows::Label& label) {
    return label.is_left_of_line ? label.x - label.width - kApart : label.x;
}

double end_of(const LabelRows::Label& label) {
    return label.is_left_of_line ? label.x : label.x + label.width + kApart;
}

bool is_crossed(const LabelRows::Label& label, double x) {
    return begin_of(label) < x && x < end_of(label);
}

}  // namespace

// The first ones stand right of their lines and the others left of theirs; how many is tried out.
// Those on the right are placed from the right, those on the left from the left: then what is
// placed later is beyond the line of what is placed before.
void LabelRows::place() {
    std::vector<Label> best;
    std::size_t best_faults = 0;
    for (std::size_t left_ones = 0; left_ones <= labels_.size(); ++left_ones) {
        const std::size_t faults = place(labels_.size() - left_ones);
        if (best.empty() || faults < best_faults) {
            best = labels_;
            best_faults = faults;
        }
    }
    labels_ = std::move(best);
}

// Returns how bad it is: a label out of bounds is worse than any number of rows, and one left of
// its line, below those that come before it, half as bad as a row.
std::size_t LabelRows::place(std::size_t right_ones) {
    std::size_t out_of_bounds = 0;
    for (std::size_t index = 0; index < labels_.size(); ++index) {
        Label& label = labels_[index];
        label.is_left_of_line = index >= right_ones;
        label.row = 0;
        const bool fits = begin_of(label) >= left_ && end_of(label) <= right_;
        out_of_bounds += fits ? 0 : 1;
    }
    for (std::size_t index = right_ones; index-- > 0;) {
        out_of_bounds += find_row(index, index + 1, right_ones) ? 0 : 1;
    }
    for (std::size_t index = right_ones; index < labels_.size(); ++index) {
        out_of_bounds += find_row(index, 0, index) ? 0 : 1;
    }
    const std::size_t left_ones = labels_.size() - right_ones;
    return out_of_bounds * 4 * (labels_.size() + 1) + 2 * count() + left_ones;
}

// The lowest one above or below those that are placed; false where there is none.
bool LabelRows::find_row(std::size_t index, std::size_t placed_from, std::size_t placed_to) {
    Label& label = labels_[index];
    while (label.row <= labels_.size()) {
        if (fits(label, placed_from, placed_to)) {
            return true;
        }
        ++label.row;
    }
    return false;
}

bool LabelRows::fits(const Label& label, std::size_t placed_from, std::size_t placed_to) const {
    return std::all_of(
        labels_.begin() + static_cast<std::ptrdiff_t>(placed_from),
        labels_.begin() + static_cast<std::ptrdiff_t>(placed_to), [&](const Label& other) {
            if (other.row == label.row) {
                return end_of(other) <= begin_of(label) || end_of(label) <= begin_of(other);
            }
            return other.row < label.row ? !is_crossed(other, label.x)
                                         : !is_crossed(label, other.x);
        });
}

std::size_t LabelRows::count() const {
    std::size_t rows = 0;
    for (const Label& label : labels_) {
        rows = std::max(rows, label.row + 1);
    }
    return rows;
}

}  // namespace drainpipe
