#include "chart.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <utility>

#include "append.hpp"
#include "axis.hpp"
#include "figures_text.hpp"
#include "label_rows.hpp"
#include "run_words.hpp"

namespace drainpipe {
namespace {

constexpr std::size_t kMostTallLanes = 8;
constexpr double kColumn = 3;  // the least width of one

// Several buckets, so that a column of a picture can be seen.
struct Column {
    std::size_t first;
    std::size_t last;  // the bucket behind it
    Microseconds begin;
    Microseconds end;
};

// What is drawn of a slice.
using Value = double (*)(const Slice&);

std::vector<Counts> totals_of(const RunHistory& run, const Timeline& timeline) {
    std::vector<Counts> totals(run.stages().size());
    for (std::size_t lane = 0; lane < totals.size(); ++lane) {
        for (std::size_t bucket = 0; bucket < timeline.size(); ++bucket) {
            std::ranges::transform(totals[lane], timeline.counts(lane, bucket),
                                   totals[lane].begin(), std::plus<>());
        }
    }
    return totals;
}

// Writes one chart, from top to bottom.
class ChartWriter {
  public:
    ChartWriter(const RunHistory& run, const Timeline& timeline, const Curves& curves,
                ChartSize size)
        : run_(run),
          timeline_(timeline),
          curves_(curves),
          size_(size),
          totals_(totals_of(run, timeline)),
          is_of_stop_(&timeline != &run.timeline()),
          begin_(timeline.begin()),
          length_(std::max<Microseconds>(1, run.end() - timeline.begin())),
          left_(size.is_narrow ? 40 : 56),
          right_(size.width - (size.is_narrow ? 8 : 16)),
          rows_(left_, right_) {}

    std::string write(const std::string& heading, std::string_view style);

  private:
    void add_heading(const std::string& heading);
    void plan_steps();
    std::string time_of(const Step& step) const;
    void add_steps(double labels_end, double bottom);
    void add_events_panel();
    void add_done_line(Value done);
    void add_waiting_panel();
    void add_rate_panel();
    void add_lanes();
    void add_lane(std::size_t number, double top, double height, double most);
    void add_lane_label(std::size_t number, double height);
    void add_marks(std::size_t number, double top, double height);
    void add_mark(Count what, double x, double top, double height, const std::string& title);
    void add_time_axis();
    void add_legend();
    void add_hits(double top, double bottom);

    void begin_panel(std::string_view title, std::string_view markup, double height, double highest,
                     int most_ticks);
    void add_title(std::string_view text, std::string_view markup);
    void add_area(const char* name, Value low, Value high);
    void add_line(const char* name, double from, Value value);
    void add_line(const char* name, double from, Value value, bool is_exact);
    double highest_of(Value value) const;
    double first_of(Value value) const;
    std::vector<Column> columns() const;
    double rate_in(const Column& column, std::size_t lane, std::size_t from, std::size_t to) const;

    double x(Microseconds time) const {
        const Microseconds since = std::clamp<Microseconds>(time - begin_, 0, length_);
        return left_ + (right_ - left_) * static_cast<double>(since) / static_cast<double>(length_);
    }
    double y(double value) const { return floor_ - (floor_ - ceiling_) * value / highest_; }
    double row_height() const { return 1.25 * size_.text; }
    double width_of(std::string_view text) const {
        return 0.56 * size_.text * static_cast<double>(text.size());
    }
    bool has(Count what) const;

    const RunHistory& run_;
    const Timeline& timeline_;
    const Curves& curves_;
    const ChartSize size_;
    const std::vector<Counts> totals_;  // of each lane, in the time of the chart
    const bool is_of_stop_;
    const Microseconds begin_;
    const Microseconds length_;
    const double left_;
    const double right_;
    bool is_alone_ = false;  // no chart of the stop follows
    double at_ = 4;          // how far down it is written
    double ceiling_ = 0;     // of the panel that is being written
    double floor_ = 0;
    double highest_ = 1;  // value, at the ceiling
    std::vector<Step> steps_;
    LabelRows rows_;  // of the steps
    std::string body_;
};

std::string ChartWriter::write(const std::string& heading, std::string_view style) {
    is_alone_ = !heading.empty();
    add_heading(heading);
    const std::string above = std::exchange(body_, "");
    plan_steps();
    const double top = at_;
    if (!is_of_stop_) {
        add_events_panel();
    }
    add_waiting_panel();
    add_rate_panel();
    add_hits(top, floor_);
    add_lanes();
    const std::string panels = std::exchange(body_, "");
    add_steps(top - 4, at_);
    const std::string steps = std::exchange(body_, "");  // behind all else
    add_time_axis();
    add_legend();

    const std::string name =
        html("Events accepted, done and waiting over time, and what each consumer did. " +
             title_of(run_) + ". " + ending_of(run_));
    std::string svg;
    append(svg,
           "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" class=\"chart\" "
           "viewBox=\"0 0 {:.0f} {:.0f}\" font-size=\"{:g}\" aria-label=\"{}\">\n",
           size_.width, at_, size_.text, name);
    if (!style.empty()) {
        append(svg, "<style>{}</style>\n<rect class=\"ground\" width=\"100%\" height=\"100%\"/>\n",
               style);
    }
    return svg + above + steps + panels + body_ + "</svg>\n";
}

void ChartWriter::add_heading(const std::string& heading) {
    if (!heading.empty()) {
        at_ += 1.2 * size_.text;
        append(body_, "<text class=\"name\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", 8.0, at_,
               html(heading));
        at_ += size_.text;
    }
}

bool ChartWriter::has(Count what) const {
    return std::ranges::any_of(
        totals_, [&](const Counts& counts) { return counts[static_cast<std::size_t>(what)] > 0; });
}

// Which steps there are, and how much room their labels take.
void ChartWriter::plan_steps() {
    const bool is_in_detail = !is_alone_ && !is_of_stop_ && has_chart_of_stop(run_);
    for (const Step& step : steps_of(run_)) {
        const bool is_edge = step.label.starts_with("stopping") || step.label == "summary";
        if (step.time >= begin_ && (!is_in_detail || !step.is_of_stop || is_edge) &&
            (step.label != "ready" || x(step.time) > left_ + 8)) {
            steps_.push_back(step);
            if (size_.is_narrow) {
                steps_.back().label = step.label.substr(0, step.label.find(','));
            }
            rows_.add(x(step.time), width_of(steps_.back().label + time_of(step)));
        }
    }
    rows_.place();
    at_ += static_cast<double>(rows_.count()) * row_height() + 4;
}

// Where there is room for it.
std::string ChartWriter::time_of(const Step& step) const {
    return size_.is_narrow ? "" : "  " + since_text(step.time - begin_, length_);
}

void ChartWriter::add_steps(double labels_end, double bottom) {
    for (std::size_t index = 0; index < steps_.size(); ++index) {
        const LabelRows::Label& label = rows_.labels()[index];
        const double baseline =
            labels_end - static_cast<double>(label.row) * row_height() - 0.3 * size_.text;
        append(body_,
               "<path class=\"step\" d=\"M{:.1f} {:.1f}V{:.1f}\"/><text class=\"label\" "
               "x=\"{:.1f}\" y=\"{:.1f}\"{}>{}<tspan class=\"time\" dx=\"4\">{}</tspan></text>\n",
               label.x, baseline - 0.7 * size_.text, bottom,
               label.is_left_of_line ? label.x - 4 : label.x + 4, baseline,
               label.is_left_of_line ? " text-anchor=\"end\"" : "", html(steps_[index].label),
               time_of(steps_[index]));
    }
}

// A line of text, on the ground: no line of a step goes through it.
void ChartWriter::add_title(std::string_view text, std::string_view markup) {
    append(body_,
           "<rect class=\"ground\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\"/>"
           "<text class=\"title\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n",
           left_ - 2, at_ - size_.text, width_of(text) + 4, 1.3 * size_.text, left_, at_, markup);
}

// Its title, as text and with its colours, and the axis of its values.
void ChartWriter::begin_panel(std::string_view title, std::string_view markup, double height,
                              double highest, int most_ticks) {
    at_ += 1.5 * size_.text;
    add_title(title, markup);
    const std::vector<Tick> ticks = number_ticks(highest, most_ticks);
    ceiling_ = at_ + 0.7 * size_.text;
    floor_ = ceiling_ + height;
    highest_ = ticks.back().value;
    for (const Tick& tick : ticks) {
        append(body_,
               "<path class=\"{}\" d=\"M{:.1f} {:.1f}H{:.1f}\"/><text class=\"tick\" x=\"{:.1f}\" "
               "y=\"{:.1f}\" text-anchor=\"end\">{}</text>\n",
               tick.value == 0 ? "axis" : "grid", left_, y(tick.value), right_, left_ - 5,
               y(tick.value) + 0.35 * size_.text, tick.label);
    }
    at_ = floor_ + 0.5 * size_.text;
}

void ChartWriter::add_area(const char* name, Value low, Value high) {
    const std::vector<Slice>& slices = curves_.slices;
    if (slices.empty()) {
        return;
    }
    const Slice& first = slices[curves_.first_known];
    append(body_, "<path class=\"{}\" d=\"M{:.1f} {:.1f}", name, x(first.begin), y(high(first)));
    for (std::size_t index = curves_.first_known; index < slices.size(); ++index) {
        append(body_, "L{:.1f} {:.1f}", x(slices[index].end), y(high(slices[index])));
    }
    append(body_, "H{:.1f}V{:.1f}", right_, y(low(slices.back())));
    for (std::size_t index = slices.size(); index > curves_.first_known; --index) {
        append(body_, "L{:.1f} {:.1f}", x(slices[index - 1].end), y(low(slices[index - 1])));
    }
    append(body_, "L{:.1f} {:.1f}Z\"/>\n", x(first.begin), y(low(first)));
}

// The parts of the line that are exact, or those that are estimated.
void ChartWriter::add_line(const char* name, double from, Value value, bool is_exact) {
    std::string path;
    const std::vector<Slice>& slices = curves_.slices;
    double last_x = slices.empty() ? left_ : x(slices[curves_.first_known].begin);
    double last_y = y(from);
    bool is_on = false;
    for (std::size_t index = curves_.first_known; index < slices.size(); ++index) {
        const Slice& slice = slices[index];
        if (slice.is_exact == is_exact) {
            if (!is_on) {
                append(path, "M{:.1f} {:.1f}", last_x, last_y);
            }
            append(path, "L{:.1f} {:.1f}", x(slice.end), y(value(slice)));
        }
        is_on = slice.is_exact == is_exact;
        last_x = x(slice.end);
        last_y = y(value(slice));
    }
    if (is_on) {
        append(path, "H{:.1f}", right_);
    }
    if (!path.empty()) {
        append(body_, "<path class=\"line {}{}\" d=\"{}\"/>\n", name, is_exact ? "" : " estimated",
               path);
    }
}

void ChartWriter::add_line(const char* name, double from, Value value) {
    add_line(name, from, value, true);
    add_line(name, from, value, false);
}

double ChartWriter::highest_of(Value value) const {
    double highest = 0;
    for (std::size_t index = curves_.first_known; index < curves_.slices.size(); ++index) {
        highest = std::max(highest, value(curves_.slices[index]));
    }
    return highest;
}

// Where a line begins: at what was recovered, or at what it is when it is first known.
double ChartWriter::first_of(Value value) const {
    if (run_.is_from_beginning() && !is_of_stop_) {
        return static_cast<double>(run_.recovered().value_or(0));
    }
    return curves_.slices.empty() ? 0 : value(curves_.slices[curves_.first_known]);
}

void ChartWriter::add_events_panel() {
    const auto accepted = [](const Slice& slice) { return static_cast<double>(slice.accepted); };
    const auto settled = [](const Slice& slice) {
        return static_cast<double>(slice.done + slice.dead);
    };
    const auto done = [](const Slice& slice) { return static_cast<double>(slice.done); };
    const Slice last = curves_.slices.empty() ? Slice{} : curves_.slices.back();
    begin_panel(fmt::format("accepted {}{}, done {}", curves_.is_open() ? "at least " : "",
                            grouped(last.accepted), grouped(last.done)),
                fmt::format("<tspan class=\"accepted-text\">accepted {}{}</tspan>, "
                            "<tspan class=\"done-text\">done {}</tspan>",
                            curves_.is_open() ? "at least " : "", grouped(last.accepted),
                            grouped(last.done)),
                size_.is_narrow ? 150 : 190, std::max(highest_of(accepted), 1.0), 4);
    add_area("between", settled, accepted);
    add_line("accepted", first_of(accepted), accepted);
    add_done_line(done);
}

void ChartWriter::add_done_line(Value done) {
    if (curves_.slices.empty()) {
        return;
    }
    const Slice& first = curves_.slices[curves_.first_known];
    append(body_, "<path class=\"line done\" d=\"M{:.1f} {:.1f}", x(first.begin), y(done(first)));
    for (std::size_t index = curves_.first_known; index < curves_.slices.size(); ++index) {
        append(body_, "L{:.1f} {:.1f}", x(curves_.slices[index].end),
               y(done(curves_.slices[index])));
    }
    append(body_, "H{:.1f}\"/>\n", right_);
}

void ChartWriter::add_waiting_panel() {
    const auto none = [](const Slice& /*slice*/) { return 0.0; };
    const auto waiting = [](const Slice& slice) { return static_cast<double>(slice.waiting()); };
    const char* const least = curves_.is_open() ? ", at least" : "";
    begin_panel(
        fmt::format("waiting{}: buffered or in flight", least),
        fmt::format("<tspan class=\"waiting-text\">waiting{}</tspan>: buffered or in flight",
                    least),
        is_of_stop_       ? 120
        : size_.is_narrow ? 56
                          : 64,
        std::max(highest_of(waiting), 1.0), is_of_stop_ ? 4 : 3);
    add_area("waiting-area", none, waiting);
    add_line("waiting", first_of(waiting), waiting);
}

std::vector<Column> ChartWriter::columns() const {
    const std::size_t buckets = curves_.slices.size();
    const double bucket_width =
        (right_ - left_) * static_cast<double>(timeline_.width()) / static_cast<double>(length_);
    const auto group = static_cast<std::size_t>(std::max(1.0, std::ceil(kColumn / bucket_width)));
    std::vector<Column> columns;
    for (std::size_t first = 0; first < buckets; first += group) {
        const std::size_t last = std::min(first + group, buckets);
        columns.push_back({first, last, curves_.slices[first].begin, curves_.slices[last - 1].end});
    }
    // A short one would look like a burst.
    if (columns.size() > 1 && columns.back().last - columns.back().first < (group + 1) / 2 + 1) {
        const Column last = columns.back();
        columns.pop_back();
        columns.back().last = last.last;
        columns.back().end = last.end;
    }
    return columns;
}

// What a lane did of these kinds, a second.
double ChartWriter::rate_in(const Column& column, std::size_t lane, std::size_t from,
                            std::size_t to) const {
    std::uint64_t events = 0;
    for (std::size_t bucket = column.first; bucket < column.last; ++bucket) {
        const Counts& counts = timeline_.counts(lane, bucket);
        for (std::size_t kind = from; kind <= to; ++kind) {
            events += counts[kind];
        }
    }
    return static_cast<double>(events) * 1e6 / static_cast<double>(column.end - column.begin);
}

void ChartWriter::add_rate_panel() {
    const std::vector<Column> columns = this->columns();
    std::vector<double> rates;
    double highest = 0;
    for (const Column& column : columns) {
        std::uint64_t events = 0;
        for (std::size_t bucket = column.first; bucket < column.last; ++bucket) {
            events += curves_.slices[bucket].done_in_slice;
        }
        rates.push_back(static_cast<double>(events) * 1e6 /
                        static_cast<double>(column.end - column.begin));
        highest = std::max(highest, rates.back());
    }
    // The unit in which the numbers are easy to read.
    const auto& [seconds, unit] = highest >= 1 || highest == 0 ? std::pair(1, "second")
                                  : highest * 60 >= 1          ? std::pair(60, "minute")
                                                               : std::pair(3600, "hour");
    for (double& rate : rates) {
        rate *= seconds;
    }
    begin_panel(fmt::format("done per {}", unit),
                fmt::format("<tspan class=\"done-text\">done</tspan> per {}", unit),
                size_.is_narrow ? 56 : 64, highest > 0 ? highest * seconds : 1, 3);
    append(body_, "<path class=\"rate\" d=\"M{:.1f} {:.1f}", left_, floor_);
    for (std::size_t index = 0; index < columns.size(); ++index) {
        append(body_, "V{:.1f}H{:.1f}", y(rates[index]), x(columns[index].end));
    }
    append(body_, "V{:.1f}Z\"/>\n", floor_);
}

void ChartWriter::add_hits(double top, double bottom) {
    constexpr std::size_t kHits = 60;
    const std::size_t slices = curves_.slices.size();
    const std::size_t group = slices / kHits + 1;
    for (std::size_t first = 0; first < slices; first += group) {
        const std::size_t last = std::min(first + group, slices) - 1;
        std::uint64_t done = 0;
        for (std::size_t index = first; index <= last; ++index) {
            done += curves_.slices[index].done_in_slice;
        }
        const Slice& slice = curves_.slices[last];
        const Microseconds begin = curves_.slices[first].begin;
        const std::string accepted =
            last < curves_.first_known ? "a number that is not known"
                                       : (slice.is_exact ? "" : "about ") + grouped(slice.accepted);
        append(body_,
               "<rect class=\"hit\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\">"
               "<title>{} to {}: {} done, {}; accepted {}, done {} by then</title></rect>\n",
               x(begin), top, x(slice.end) - x(begin), bottom - top,
               since_text(begin - begin_, length_), since_text(slice.end - begin_, length_),
               grouped(done),
               rate_text(static_cast<double>(done) * 1e6 / static_cast<double>(slice.end - begin)),
               accepted, grouped(slice.done));
    }
}

void ChartWriter::add_lanes() {
    std::vector<std::size_t> lanes;
    double most = 0;
    for (std::size_t number = 0; number < run_.stages().size(); ++number) {
        if (is_notable(totals_[number], number)) {
            lanes.push_back(number);
            for (const Column& column : columns()) {
                most = std::max(most, rate_in(column, number, 0, 2));
            }
        }
    }
    const bool is_tall = lanes.size() <= kMostTallLanes;
    at_ += is_tall ? 0 : size_.text;
    for (const std::size_t number : lanes) {
        const double height = number == 0 ? 10 : is_tall ? 26 : 13;
        at_ += is_tall ? 1.8 * size_.text : 0;
        add_lane_label(number, height);
        at_ += is_tall ? 0.4 * size_.text : 4;
        add_lane(number, at_, height, std::max(most, 1e-9));
        at_ += height;
    }
    at_ += 0.6 * size_.text;
}

void ChartWriter::add_lane_label(std::size_t number, double height) {
    const std::string name = stage_name(number);
    if (height <= 20 && number > 0) {
        append(body_,
               "<text class=\"tick\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{}<title>{} {}"
               "</title></text>\n",
               left_ - 5, at_ + 4 + height, number, name, stage_text(totals_[number]));
        return;
    }
    const std::string text = name + ": " + stage_text(totals_[number]);
    const auto columns = static_cast<std::size_t>((right_ - left_) / width_of("n"));
    bool is_first = true;
    for (const std::string_view line : lines_of(text, columns)) {
        at_ += is_first ? 0 : row_height();
        add_title(line, is_first ? "<tspan class=\"strong\">" + name + "</tspan>" +
                                       std::string(line.substr(name.size()))
                                 : std::string(line));
        is_first = false;
    }
}

void ChartWriter::add_lane(std::size_t number, double top, double height, double most) {
    const double floor = top + height;
    const auto height_of = [&](double rate) { return height * rate / most; };
    append(body_, "<path class=\"axis\" d=\"M{:.1f} {:.1f}H{:.1f}\"/>\n", left_, floor, right_);
    for (const StageHistory::Gap& gap : run_.stages()[number].gaps) {
        if (gap.to >= begin_ && x(gap.to) - x(gap.from) >= 1) {
            append(
                body_,
                "<rect class=\"gap\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\">"
                "<title>not there for {}</title></rect>\n",
                x(gap.from), top, x(gap.to) - x(gap.from), height,
                duration_text(gap.to - gap.from));
        }
    }
    constexpr std::array<const char*, 3> kNames{"processed", "emptied", "drained"};
    for (std::size_t kind = 0; kind < kNames.size() && number > 0; ++kind) {
        std::string path;
        double end = left_ - 1;
        for (const Column& column : columns()) {
            const double low = kind == 0 ? 0 : height_of(rate_in(column, number, 0, kind - 1));
            const double high = height_of(rate_in(column, number, 0, kind));
            if (high - low > 0) {
                end = x(column.end);
                append(path, "M{:.1f} {:.1f}V{:.1f}H{:.1f}V{:.1f}Z", x(column.begin), floor - low,
                       std::min(floor - high, floor - low - 0.5), end, floor - low);
            }
        }
        if (!path.empty()) {
            append(body_, "<path class=\"{}\" d=\"{}\"/>\n", kNames[kind], path);
        }
    }
    add_marks(number, top, height);
}

void ChartWriter::add_marks(std::size_t number, double top, double height) {
    struct Word {
        Count what;
        const char* one;
        const char* more;
        double apart;
    };
    constexpr std::array<Word, 5> kWords{{{Count::failed, "failure", "failures", 4},
                                          {Count::warnings, "warning", "warnings", 8},
                                          {Count::starts, "restart", "restarts", 8},
                                          {Count::dead, "dead letter", "dead letters", 7},
                                          {Count::deaths, "death", "deaths", 8}}};
    for (const Word& word : kWords) {
        std::size_t bucket = 0;
        while (bucket < curves_.slices.size()) {
            const Microseconds from = curves_.slices[bucket].begin;
            Microseconds to = curves_.slices[bucket].end;
            std::uint64_t count = 0;
            do {
                to = curves_.slices[bucket].end;
                count += timeline_.counts(number, bucket++)[static_cast<std::size_t>(word.what)];
            } while (count > 0 && bucket < curves_.slices.size() &&
                     x(curves_.slices[bucket].begin) - x(from) < word.apart);
            if (count > 0) {
                add_mark(word.what, x(from), top, height,
                         stage_name(number) + ": " + counted(count, word.one, word.more) + " at " +
                             since_text(from - begin_, length_) +
                             (count > 1 ? " to " + since_text(to - begin_, length_) : ""));
            }
        }
    }
}

void ChartWriter::add_mark(Count what, double x, double top, double height,
                           const std::string& title) {
    const double floor = top + height;
    const auto write = [&](const char* name, double at, const std::string& path) {
        append(
            body_,
            "<path class=\"{}\" transform=\"translate({:.1f} {:.1f})\" d=\"{}\"><title>{}</title>"
            "</path>\n",
            name, x, at, path, html(title));
    };
    switch (what) {
        case Count::failed:
            write("failed", floor + 1, "M0 0V5");
            break;
        case Count::dead:
            write("dead", top + 1, "M0-4L4 0L0 4L-4 0Z");
            break;
        case Count::deaths:
            write("death-edge", top + height / 2, "M-4-4L4 4M-4 4L4-4");
            write("death", top + height / 2, "M-4-4L4 4M-4 4L4-4");
            break;
        case Count::starts:
            write("start", floor - 4, "M0-4L6 0L0 4Z");
            break;
        default:
            write("warned", top + height / 2, "M-3 0A3 3 0 1 1 3 0A3 3 0 1 1-3 0Z");
            break;
    }
}

void ChartWriter::add_time_axis() {
    const double bottom = at_;
    std::string lines;
    for (const Tick& tick : time_ticks(length_, size_.is_narrow ? 4 : 9)) {
        const double at = x(begin_ + static_cast<Microseconds>(tick.value));
        const double half = width_of(tick.label) / 2;
        const char* const anchor = at + half > size_.width ? "end" : "middle";
        append(body_,
               "<path class=\"grid\" d=\"M{0:.1f} {1:.1f}v4\"/><text class=\"tick\" x=\"{2:.1f}\" "
               "y=\"{3:.1f}\" text-anchor=\"{4}\">{5}</text>\n",
               at, bottom, anchor[0] == 'e' ? size_.width : at, bottom + 4 + size_.text, anchor,
               tick.label);
    }
    at_ += 4 + 1.6 * size_.text;
}

void ChartWriter::add_legend() {
    struct Entry {
        bool is_there;
        const char* name;
        const char* path;
        const char* text;
    };
    constexpr const char* kBar = "M-4 4V-4H4V4Z";
    const std::array<Entry, 9> entries{
        {{has(Count::processed), "processed", kBar, "processed"},
         {has(Count::emptied), "emptied", kBar, "emptied (was in flight)"},
         {has(Count::drained), "drained", kBar, "drained (was buffered)"},
         {has(Count::deaths), "death", "M-4-4L4 4M-4 4L4-4", "death"},
         {has(Count::starts), "start", "M-3-4L3 0L-3 4Z", "restart"},
         {has(Count::failed), "failed", "M0-3V3", "failure"},
         {has(Count::dead), "dead", "M0-4L4 0L0 4L-4 0Z", "dead letter"},
         {has(Count::warnings), "warned", "M-3 0A3 3 0 1 1 3 0A3 3 0 1 1-3 0Z", "warning"},
         {!curves_.is_acceptance_exact, "accepted estimated", "M-6 0H6", "estimated"}}};
    double at = left_;
    at_ += size_.text;
    for (const Entry& entry : entries) {
        if (!entry.is_there) {
            continue;
        }
        const double width = 12 + width_of(entry.text);
        if (at + width > size_.width && at > left_) {
            at = left_;
            at_ += 1.6 * size_.text;
        }
        append(body_,
               "<path class=\"{}\" transform=\"translate({:.1f} {:.1f})\" d=\"{}\"/><text "
               "class=\"title\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n",
               entry.name, at + 4, at_ - 0.35 * size_.text, entry.path, at + 12, at_, entry.text);
        at += width + 14;
    }
    at_ += 0.6 * size_.text;
}

// Okabe and Ito's colours, which people tell apart who see few; and shapes that differ.
constexpr std::string_view kLight =
    "--ground:#fffff8;--ink:#1a1a1a;--soft:#666;--faint:#dcdcd2;--done:#0072b2;--between:#e8eef2;"
    "--waiting:#e69f00;--pale:#f8ebcb;--emptied:#56b4e9;--drained:#009e73;--death:#c1440e;"
    "--failed:#a8558a";
constexpr std::string_view kDark =
    "--ground:#151515;--ink:#e8e6df;--soft:#a3a19a;--faint:#3a3a38;--done:#3f9fe0;--between:#"
    "22303a;"
    "--waiting:#d99a1c;--pale:#3b3220;--emptied:#8fd0f5;--drained:#2fbf95;--death:#ff7a45;"
    "--failed:#dd8fc0";
constexpr std::string_view kClasses =
    ".chart{font-family:system-ui,-apple-system,\"Segoe UI\",\"DejaVu Sans\",sans-serif}"
    ".chart text{fill:var(--soft)}"
    ".chart .title{paint-order:stroke;stroke:var(--ground);stroke-width:3px}"
    ".chart .label{fill:var(--ink);paint-order:stroke;stroke:var(--ground);stroke-width:3px}"
    ".chart .time{fill:var(--soft)}.chart .name{fill:var(--ink);font-weight:600}.chart "
    ".strong{fill:var(--ink);font-weight:600}"
    ".chart .ground{fill:var(--ground)}"
    ".chart path{fill:none}.chart .axis{stroke:var(--soft);stroke-width:.8}"
    ".chart .grid{stroke:var(--faint);stroke-width:.8}"
    ".chart .step{stroke:var(--soft);stroke-width:1;stroke-dasharray:2 2}"
    ".chart .line{stroke-width:1.6;stroke-linejoin:round}"
    ".chart .accepted{stroke:var(--ink)}.chart .done{stroke:var(--done)}"
    ".chart .accepted-text{fill:var(--ink);font-weight:600}"
    ".chart .done-text{fill:var(--done);font-weight:600}"
    ".chart .waiting-text{fill:var(--waiting);font-weight:600}"
    ".chart .between{fill:var(--between)}.chart .waiting-area{fill:var(--pale)}"
    ".chart .waiting{stroke:var(--waiting)}.chart .estimated{stroke-dasharray:5 3}.chart "
    ".rate,.chart .processed{fill:var(--done)}"
    ".chart .emptied{fill:var(--emptied)}.chart .drained{fill:var(--drained)}"
    ".chart .gap{fill:var(--death);fill-opacity:.25}"
    ".chart .death-edge{stroke:var(--ground);stroke-width:5;stroke-linecap:square}"
    ".chart .death{stroke:var(--death);stroke-width:2}"
    ".chart .start{fill:var(--ground);stroke:var(--death);stroke-width:1.2}"
    ".chart .failed{stroke:var(--failed);stroke-width:1.5}"
    ".chart .dead{fill:var(--failed);stroke:var(--ground);stroke-width:.8}"
    ".chart .warned{fill:var(--ground);stroke:var(--waiting);stroke-width:1.5}"
    ".chart .hit{fill:transparent}.chart .hit:hover{fill:var(--soft);fill-opacity:.12}";

}  // namespace

std::string chart_style(std::string_view selector) {
    return fmt::format(
        "{0}{{color-scheme:light dark;{1}}}@media(prefers-color-scheme:dark){{{0}{{{2}}}}}"
        "@media print{{{0}{{{1}}}}}{3}",
        selector, kLight, kDark, kClasses);
}

bool has_chart_of_stop(const RunHistory& run) {
    if (!run.stop_timeline()) {
        return false;
    }
    const Microseconds stop = run.end() - run.stop_timeline()->begin();
    constexpr Microseconds kWorthIt = 20'000;
    return stop >= kWorthIt && stop < (run.end() - run.begin()) / 2;
}

Chart::Chart(const RunHistory& run, const Timeline& timeline, ChartSize size)
    : run_(run), timeline_(timeline), curves_(curves_of(run, timeline)), size_(size) {}

std::string Chart::svg(const std::string& heading, std::string_view style) const {
    return ChartWriter(run_, timeline_, curves_, size_).write(heading, style);
}

}  // namespace drainpipe
