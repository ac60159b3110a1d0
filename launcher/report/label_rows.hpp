#pragma once

#include <cstddef>
#include <vector>

namespace drainpipe {

// Finds a row for each label of a vertical line, so that no label covers another one, and none is
// crossed by a line: row 0 is the lowest, and a line goes down from its label through all below it.
class LabelRows {
  public:
    struct Label {
        double x;  // of its line
        double width;
        bool is_left_of_line = false;
        std::size_t row = 0;
    };

    // Between which labels have to be, as far as they fit.
    LabelRows(double left, double right) : left_(left), right_(right) {}

    // Requires that x does not fall from call to call.
    void add(double x, double width) { labels_.push_back({x, width}); }
    void place();

    const std::vector<Label>& labels() const { return labels_; }
    std::size_t count() const;

  private:
    std::size_t place(std::size_t right_ones);
    bool fits(const Label& label, std::size_t placed_from, std::size_t placed_to) const;
    bool find_row(std::size_t index, std::size_t placed_from, std::size_t placed_to);

    double left_;
    double right_;
    std::vector<Label> labels_;
};

}  // namespace drainpipe
