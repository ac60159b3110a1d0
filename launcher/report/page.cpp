#include "page.hpp"

#include <algorithm>
#include <array>

#include "append.hpp"
#include "chart.hpp"
#include "figures_text.hpp"
#include "run_curves.hpp"
#include "run_words.hpp"

namespace drainpipe {
namespace {

constexpr ChartSize kWide{1000, 13, false};
constexpr ChartSize kMedium{640, 13, false};
constexpr ChartSize kNarrow{360, 11.5, true};

constexpr std::string_view kPageStyle =
    "*{box-sizing:border-box}"
    "body{margin:0 auto;padding:1.5rem 1rem 3rem;max-width:1040px;background:var(--ground);"
    "color:var(--ink);font:16px/1.45 system-ui,-apple-system,\"Segoe UI\",\"DejaVu "
    "Sans\",sans-serif}"
    "h1{font-size:1.5rem;font-weight:600;margin:0;overflow-wrap:anywhere}"
    "h2{font-size:1.05rem;font-weight:600;margin:2rem 0 .25rem}"
    "p{margin:.25rem 0;max-width:46rem;overflow-wrap:anywhere}"
    ".soft,caption,th{color:var(--soft)}.alarm{color:var(--death)}"
    "section+section{border-top:1px solid var(--faint);margin-top:3rem;padding-top:2rem}"
    ".account{display:flex;flex-wrap:wrap;gap:.3rem .7rem;margin:1.1rem 0 .4rem;padding:0;"
    "list-style:none}"
    ".account li{display:flex;align-items:flex-end;gap:.7rem;color:var(--soft);font-size:.85rem}"
    ".account b{display:block;color:var(--ink);font-size:1.35rem;font-weight:500;"
    "line-height:1.2;font-variant-numeric:tabular-nums}"
    ".account i{font-style:normal;font-size:1.35rem;line-height:1.2;padding-bottom:1.25rem}"
    ".account li.none b{color:var(--soft)}"
    "svg.chart{display:block;width:100%;height:auto;margin:.5rem 0}"
    ".medium,.narrow{display:none}.medium svg{max-width:860px}.narrow svg{max-width:480px}"
    "@media(max-width:900px){.wide{display:none}.medium{display:block}}"
    "@media(max-width:580px){.medium{display:none}.narrow{display:block}"
    "body{font-size:15px;padding:1rem .75rem 2rem}}"
    "table{border-collapse:collapse;font-size:.875rem;margin:.5rem 0;max-width:100%}"
    "caption{text-align:left;padding:.2rem 0}"
    "th{font-weight:500;text-align:left}th,td{padding:.15rem 1.1rem .15rem 0;vertical-align:top}"
    "td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}"
    "td{unicode-bidi:isolate}td.what{overflow-wrap:anywhere}td.who{white-space:nowrap}"
    "tr{border-bottom:1px solid var(--faint)}"
    ".scroll{overflow-x:auto}summary{cursor:pointer;color:var(--soft);margin-top:1rem}"
    "@media(max-width:580px){table{font-size:.8rem}th,td{padding-right:.5rem}.moments "
    "tr{display:block;padding:.25rem 0}"
    ".moments td{display:inline;padding-right:.6rem}.moments td.what{display:block}"
    ".moments tr.head{display:none}}"
    "@media print{body{max-width:none}.wide{display:block}.medium,.narrow{display:none}}";

// Writes the section of one run.
class SectionWriter {
  public:
    SectionWriter(const RunHistory& run, std::string title)
        : run_(run),
          title_(std::move(title)),
          curves_(curves_of(run, run.timeline())),
          figures_(figures_of(run, curves_)),
          length_(run.end() - run.begin()) {}

    std::string write();

  private:
    void add_account();
    void add_rates();
    void add_charts();
    void add_chart(const Timeline& timeline);
    void add_stages();
    void add_reasons();
    void add_moments();
    void add_table();

    const RunHistory& run_;
    const std::string title_;
    const Curves curves_;
    const RunFigures figures_;
    const Microseconds length_;
    std::string text_;
};

std::string SectionWriter::write() {
    append(text_, "<section>\n<h1>{}</h1>\n<p class=\"soft\">{}</p>\n<p>{}</p>\n", html(title_),
           html(when_of(run_)), html(ending_of(run_)));
    add_account();
    add_rates();
    for (const std::string& caveat : caveats_of(run_, figures_, curves_)) {
        append(text_, "<p class=\"soft\">{}</p>\n", html(caveat));
    }
    if (!curves_.is_acceptance_exact) {
        text_ +=
            "<p class=\"soft\">The log does not tell when each event was accepted: where the line "
            "of "
            "accepted events and the orange one of waiting events are dashed, they are estimated "
            "between two records that have the number.</p>\n";
    }
    add_charts();
    add_stages();
    add_reasons();
    add_moments();
    add_table();
    return text_ + "</section>\n";
}

void SectionWriter::add_account() {
    const RunAccount& account = figures_.account;
    struct Term {
        const char* sign;
        std::uint64_t number;
        const char* name;
    };
    const std::array<Term, 6> terms{
        {{"", account.accepted, figures_.has_accepted ? "accepted" : "accepted, at least"},
         {"=", account.processed, "processed"},
         {"+", account.emptied, "emptied"},
         {"+", account.drained, "drained"},
         {"+", account.dead, "dead"},
         {"+", account.left, figures_.has_left ? "left" : "left, at least"}}};
    text_ += "<ul class=\"account\">\n";
    for (const Term& term : terms) {
        const std::string sign =
            term.sign[0] == '\0' ? "" : "<i>" + std::string(term.sign) + "</i>";
        append(text_, "<li{}>{}<span><b>{}</b>{}</span></li>\n",
               term.number == 0 ? " class=\"none\"" : "", sign, grouped(term.number), term.name);
    }
    text_ += "</ul>\n";
    const std::string check = check_of(run_, figures_, curves_);
    append(text_, "<p{}>{}</p>\n", check.find("NOT") != std::string::npos ? " class=\"alarm\"" : "",
           html(check));
}

void SectionWriter::add_rates() {
    const RunAccount& account = figures_.account;
    append(text_, "<p>Done {} on average, {} at most.", rate_text(figures_.mean_rate),
           rate_text(figures_.peak_rate));
    append(text_, " Redelivered {}, retried {}; {}, {}.", grouped(account.redelivered),
           grouped(account.retried), counted(figures_.deaths, "death", "deaths"),
           counted(figures_.starts, "restart", "restarts"));
    if (run_.work().events > 0) {
        append(text_, " The work on an event took {} on average, {} at most.",
               duration_text(static_cast<Microseconds>(run_.work().seconds * 1e6 /
                                                       static_cast<double>(run_.work().events))),
               duration_text(run_.work().longest));
    }
    text_ += "</p>\n";
    if (!run_.source().empty()) {
        append(text_, "<p class=\"soft\">Events came from {}.</p>\n", html(run_.source()));
    }
}

void SectionWriter::add_chart(const Timeline& timeline) {
    for (const auto& [name, size] :
         {std::pair("wide", kWide), std::pair("medium", kMedium), std::pair("narrow", kNarrow)}) {
        append(text_, "<div class=\"{}\">{}</div>\n", name, Chart(run_, timeline, size).svg());
    }
}

void SectionWriter::add_charts() {
    append(text_, "<h2>The run</h2>\n<p class=\"soft\">Time from {} UTC on.</p>\n",
           time_to_text(run_.begin()).substr(11, 12));
    add_chart(run_.timeline());
    if (has_chart_of_stop(run_)) {
        append(text_,
               "<h2>The stop</h2>\n<p class=\"soft\">The last {} of it, from {} UTC on.</p>\n",
               duration_text(run_.end() - run_.stop_timeline()->begin()),
               time_to_text(run_.stop_timeline()->begin()).substr(11, 12));
        add_chart(*run_.stop_timeline());
    }
}

void SectionWriter::add_stages() {
    text_ +=
        "<h2>Who did what</h2>\n<div class=\"scroll\"><table>\n<tr><th></th><th class=\"n\">done"
        "</th><th class=\"n\">deaths</th><th class=\"n\">restarts</th><th class=\"n\">failures</th>"
        "<th class=\"n\">dead</th></tr>\n";
    for (std::size_t number = 0; number < run_.stages().size(); ++number) {
        const StageHistory& stage = run_.stages()[number];
        if (number > 0 && !is_notable(stage.totals, number)) {
            continue;
        }
        append(text_, "<tr><td class=\"who\">{}</td><td class=\"n\">{}</td>", stage_name(number),
               number == 0 ? "" : grouped(done_in(stage.totals)));
        for (const Count what : {Count::deaths, Count::starts, Count::failed, Count::dead}) {
            append(text_, "<td class=\"n\">{}</td>",
                   number == 0 && (what == Count::failed || what == Count::dead)
                       ? ""
                       : grouped(stage.totals[static_cast<std::size_t>(what)]));
        }
        text_ += "</tr>\n";
    }
    text_ += "</table></div>\n";
}

void SectionWriter::add_reasons() {
    if (run_.reasons().empty()) {
        return;
    }
    text_ += "<h2>Why events failed</h2>\n<table>\n";
    for (const auto& [reason, count] : run_.reasons()) {
        append(text_, "<tr><td class=\"n\">{}</td><td class=\"what\">{}</td></tr>\n",
               grouped(count), html(reason));
    }
    if (run_.other_reasons() > 0) {
        append(text_, "<tr><td class=\"n\">{}</td><td>for other reasons</td></tr>\n",
               grouped(run_.other_reasons()));
    }
    text_ += "</table>\n";
}

void SectionWriter::add_moments() {
    const MomentList list = moments_of(run_);
    text_ +=
        "<h2>Moments</h2>\n<table class=\"moments\">\n<tr class=\"head\"><th class=\"n\">time</th>"
        "<th>who</th><th>what</th></tr>\n";
    for (const Moment& moment : list.moments) {
        const bool is_bad =
            moment.kind == Moment::Kind::death || moment.kind == Moment::Kind::trouble;
        append(text_,
               "<tr><td class=\"n\">{}</td><td class=\"soft\">{}</td><td "
               "class=\"what{}\">{}</td></tr>\n",
               since_text(moment.time - run_.begin(), length_), moment.who, is_bad ? " alarm" : "",
               html(moment.what));
    }
    text_ += "</table>\n";
    if (list.left_out + list.failures_left_out > 0) {
        append(text_,
               "<p class=\"soft\">The first and the last ones: {} between them {} not shown.</p>\n",
               counted(list.left_out + list.failures_left_out, "moment", "moments"),
               list.left_out + list.failures_left_out == 1 ? "is" : "are");
    }
}

void SectionWriter::add_table() {
    constexpr std::size_t kRows = 24;
    text_ +=
        "<details><summary>The same in figures</summary>\n<div class=\"scroll\"><table>\n<tr><th "
        "class=\"n\">until</th><th class=\"n\">accepted</th><th class=\"n\">done</th><th "
        "class=\"n\">waiting</th><th class=\"n\">rate</th></tr>\n";
    for (const auto& [slice, done, rate] : rows_of(curves_, kRows)) {
        const char* const sign = slice.is_exact ? "" : "~";
        append(text_,
               "<tr><td class=\"n\">{}</td><td class=\"n\">{}{}</td><td class=\"n\">{}</td><td "
               "class=\"n\">{}{}</td><td class=\"n\">{}</td></tr>\n",
               since_text(slice.end - run_.begin(), length_), sign, grouped(slice.accepted),
               grouped(slice.done), sign, grouped(slice.waiting()), rate_text(rate));
    }
    text_ += "</table></div></details>\n";
}

}  // namespace

std::string page_of(const std::vector<const RunHistory*>& runs, const LogRead& read) {
    std::string text = fmt::format(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta "
        "name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>{}</title>\n"
        "<style>{}{}</style>\n</head>\n<body>\n",
        html(runs.empty() ? "" : title_of(*runs.back())), chart_style(":root"), kPageStyle);
    for (const RunHistory* const run : runs) {
        text += SectionWriter(*run, title_among(runs, *run)).write();
    }
    append(text, "<p class=\"soft\">From {}: {}", html(read.path),
           counted(read.lines, "line", "lines"));
    if (read.foreign_lines > 0) {
        append(text, ", {} of them {} passed over", grouped(read.foreign_lines),
               read.foreign_lines == 1 ? "no record of a pipeline and"
                                       : "no records of a pipeline and");
    }
    if (read.other_runs > 0) {
        append(text, "; {} not shown", counted(read.other_runs, "other run is", "other runs are"));
    }
    return text + ".</p>\n</body>\n</html>\n";
}

std::string picture_of(const RunHistory& run) {
    return Chart(run, run.timeline(), kWide)
        .svg(title_of(run) + ": " + ending_of(run), chart_style("svg"));
}

}  // namespace drainpipe
