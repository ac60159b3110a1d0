#pragma once

#include <string>
#include <string_view>

#include "run_curves.hpp"
#include "run_history.hpp"

namespace drainpipe {

// How large a chart is, in the units of its text. Each is drawn for a width of its own, for text
// that is scaled with the picture can't be read on a small screen.
struct ChartSize {
    double width;
    double text;  // height of the letters
    bool is_narrow;
};

// An SVG of what went on: accepted, done, waiting, the rate, and a lane for each consumer, over the
// time of `timeline`, one of the run's two. It has classes and no colours: those are kChartStyle.
class Chart {
  public:
    Chart(const RunHistory& run, const Timeline& timeline, ChartSize size);

    // The element. `heading` stands above, and `style` within it, where they are given; then it
    // stands for itself, with a background.
    std::string svg(const std::string& heading = "", std::string_view style = "") const;

  private:
    const RunHistory& run_;
    const Timeline& timeline_;
    Curves curves_;
    ChartSize size_;
};

// Colours in light and in dark, for the element that is selected: CSS.
std::string chart_style(std::string_view selector);

// Whether the stop is too short to be seen in the picture of the whole, and has one for itself.
bool has_chart_of_stop(const RunHistory& run);

}  // namespace drainpipe
