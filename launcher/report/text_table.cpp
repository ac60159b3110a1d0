#include "text_table.hpp"

#include <algorithm>

#include "append.hpp"
#include "escape.hpp"
#include "figures_text.hpp"
#include "run_curves.hpp"
#include "run_words.hpp"

namespace drainpipe {
namespace {

constexpr std::size_t kColumns = 80;

void add_wrapped(std::string& text, std::string_view words) {
    for (const std::string_view line : lines_of(words, kColumns)) {
        append(text, "{}\n", line);
    }
}

std::string cut(std::string_view text, std::size_t columns) {
    if (text.size() <= columns) {
        return std::string(text);
    }
    return std::string(whole_characters(text, columns - 3)) + "...";
}

// A row of letters whose ink says how much it was.
std::string density(const std::vector<std::uint64_t>& numbers) {
    constexpr std::string_view kInk = " .:-=+*#%@";
    const std::uint64_t most = numbers.empty() ? 0 : *std::ranges::max_element(numbers);
    std::string row;
    for (const std::uint64_t number : numbers) {
        const double part = most == 0 ? 0 : static_cast<double>(number) / static_cast<double>(most);
        const auto ink = static_cast<std::size_t>(part * static_cast<double>(kInk.size() - 1));
        row += kInk[number == 0 ? 0 : std::max<std::size_t>(1, ink)];
    }
    return row;
}

class TableWriter {
  public:
    TableWriter(const RunHistory& run, std::string title)
        : run_(run),
          title_(std::move(title)),
          curves_(curves_of(run, run.timeline())),
          figures_(figures_of(run, curves_)),
          length_(run.end() - run.begin()) {}

    std::string write();

  private:
    void add_account();
    void add_figure(std::uint64_t number, const char* name);
    void add_rates();
    void add_rows();
    void add_stages();
    void add_reasons();
    void add_moments();
    std::vector<std::uint64_t> done_over_time(std::size_t lane, std::size_t columns) const;

    const RunHistory& run_;
    const std::string title_;
    const Curves curves_;
    const RunFigures figures_;
    const Microseconds length_;
    std::string text_;
};

std::string TableWriter::write() {
    add_wrapped(text_, title_);
    add_wrapped(text_, when_of(run_));
    add_wrapped(text_, ending_of(run_));
    text_ += '\n';
    add_account();
    add_rates();
    for (const std::string& caveat : caveats_of(run_, figures_, curves_)) {
        add_wrapped(text_, caveat);
    }
    add_rows();
    add_stages();
    add_reasons();
    add_moments();
    return text_;
}

void TableWriter::add_figure(std::uint64_t number, const char* name) {
    append(text_, "{:>15}  {}\n", grouped(number), name);
}

void TableWriter::add_account() {
    const RunAccount& account = figures_.account;
    add_figure(account.accepted, figures_.has_accepted ? "accepted" : "accepted, at least");
    add_figure(account.processed, "processed");
    add_figure(account.emptied, "emptied: was in flight when the stop came");
    add_figure(account.drained, "drained: was buffered when the stop came");
    add_figure(account.dead, "dead: given up");
    add_figure(account.left, figures_.has_left ? "left" : "left, at least");
    add_figure(account.redelivered, "redelivered");
    add_figure(account.retried, "retried");
    text_ += '\n';
    add_wrapped(text_, check_of(run_, figures_, curves_));
}

void TableWriter::add_rates() {
    add_wrapped(text_, fmt::format("Done {} on average, {} at most; {}, {}.",
                                   rate_text(figures_.mean_rate), rate_text(figures_.peak_rate),
                                   counted(figures_.deaths, "death", "deaths"),
                                   counted(figures_.starts, "restart", "restarts")));
    if (run_.work().events > 0) {
        add_wrapped(
            text_,
            fmt::format("The work on an event took {} on average, {} at most.",
                        duration_text(static_cast<Microseconds>(
                            run_.work().seconds * 1e6 / static_cast<double>(run_.work().events))),
                        duration_text(run_.work().longest)));
    }
}

std::vector<std::uint64_t> TableWriter::done_over_time(std::size_t lane,
                                                       std::size_t columns) const {
    const Timeline& timeline = run_.timeline();
    std::vector<std::uint64_t> done(columns, 0);
    for (std::size_t bucket = 0; bucket < timeline.size(); ++bucket) {
        const auto since =
            static_cast<double>(timeline.width()) * (static_cast<double>(bucket) + 0.5);
        const auto column = static_cast<std::size_t>(
            since / static_cast<double>(std::max<Microseconds>(1, length_)) *
            static_cast<double>(columns));
        done[std::min(column, columns - 1)] += done_in(timeline.counts(lane, bucket));
    }
    return done;
}

void TableWriter::add_rows() {
    constexpr std::size_t kRows = 24;
    append(text_, "\n{:>16}{:>16}{:>16}{:>16}{:>12}\n", "until", "accepted", "done", "waiting",
           "rate");
    bool has_estimates = false;
    for (const auto& [slice, done, rate] : rows_of(curves_, kRows)) {
        const char* const sign = slice.is_exact ? "" : "~";
        has_estimates = has_estimates || !slice.is_exact;
        append(text_, "{:>16}{:>16}{:>16}{:>16}{:>12}\n",
               since_text(slice.end - run_.begin(), length_), sign + grouped(slice.accepted),
               grouped(slice.done), sign + grouped(slice.waiting()), rate_text(rate));
    }
    if (has_estimates) {
        add_wrapped(text_, "~ is estimated between two records that have the number.");
    }
}

void TableWriter::add_stages() {
    constexpr std::size_t kLane = 26;
    append(text_, "\n{:<11}{:>12}{:>7}{:>9}{:>9}{:>6}\n", "", "done", "deaths", "restarts",
           "failures", "dead");
    for (std::size_t number = 0; number < run_.stages().size(); ++number) {
        const StageHistory& stage = run_.stages()[number];
        if (!is_notable(stage.totals, number)) {
            continue;
        }
        const auto total = [&](Count what) { return stage.totals[static_cast<std::size_t>(what)]; };
        std::string row = fmt::format(
            "{:<11}{:>12}{:>7}{:>9}{:>9}{:>6}", stage_name(number), grouped(done_in(stage.totals)),
            total(Count::deaths), total(Count::starts), total(Count::failed), total(Count::dead));
        if (number > 0 && row.size() + kLane < kColumns) {
            row += " |" + density(done_over_time(number, kLane - 3)) + "|";
        }
        append(text_, "{}\n", row);
    }
}

void TableWriter::add_reasons() {
    if (run_.reasons().empty()) {
        return;
    }
    text_ += "\nWhy events failed\n";
    for (const auto& [reason, count] : run_.reasons()) {
        append(text_, "{:>15}  {}\n", grouped(count), cut(reason, kColumns - 17));
    }
    if (run_.other_reasons() > 0) {
        append(text_, "{:>15}  for other reasons\n", grouped(run_.other_reasons()));
    }
}

void TableWriter::add_moments() {
    constexpr std::size_t kMostShownFailures = 10;
    text_ += "\nMoments\n";
    const MomentList list = moments_of(run_);
    std::uint64_t failures = 0;
    std::uint64_t left_out = list.left_out + list.failures_left_out;
    for (const Moment& moment : list.moments) {
        const bool is_failure =
            moment.kind == Moment::Kind::failure || moment.kind == Moment::Kind::dead_letter;
        if (is_failure && ++failures > kMostShownFailures) {
            ++left_out;
            continue;
        }
        std::string begin = fmt::format(
            "{:>12}  {:<11} ", since_text(moment.time - run_.begin(), length_), moment.who);
        for (const std::string_view line : lines_of(moment.what, kColumns - begin.size())) {
            append(text_, "{}{}\n", begin, line);
            begin.assign(begin.size(), ' ');
        }
    }
    if (left_out > 0) {
        append(text_, "{:>12}  {} in the middle, most of them failures, left out here\n", "...",
               grouped(left_out));
    }
}

}  // namespace

std::string table_of(const std::vector<const RunHistory*>& runs, const LogRead& read) {
    std::string text;
    for (const RunHistory* const run : runs) {
        text += TableWriter(*run, title_among(runs, *run)).write() + "\n";
    }
    std::string lines = counted(read.lines, "line", "lines") + " in " + read.path + ", " +
                        grouped(read.foreign_lines) + " of them no records of a pipeline";
    if (read.other_runs > 0) {
        lines += "; " + counted(read.other_runs, "other run is", "other runs are") + " not shown";
    }
    add_wrapped(text, lines + ".");
    return text;
}

}  // namespace drainpipe
