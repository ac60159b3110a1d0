#include "run_words.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "figures_text.hpp"

namespace drainpipe {
namespace {

std::uint64_t number_in(const Counts& counts, Count what) {
    return counts[static_cast<std::size_t>(what)];
}

std::string cause_of(const RunHistory& run) {
    const std::string& reason = run.stop().reason;
    if (reason == "end-of-file") {
        return "It ended by itself after the last line";
    }
    if (reason == "end-of-source") {
        return "It ended by itself after the last event of its producer";
    }
    if (reason == "segment-removed") {
        return "It stopped because its segment was removed";
    }
    if (reason == "failure") {
        return "It stopped because of a failure" +
               (run.first_error().empty() ? "" : ": \"" + run.first_error() + "\"");
    }
    return reason.empty() ? "It stopped" : "It was stopped by " + reason;
}

bool is_at_deadline(const StopHistory& stop) {
    constexpr Microseconds kLate = 50'000;  // the last events are not begun so near to it
    return stop.begun && stop.grace && stop.summary &&
           *stop.summary + kLate >= *stop.begun + *stop.grace;
}

std::string left_text(const RunHistory& run, const RunAccount& account) {
    if (account.left == 0) {
        return account.dead == 0 ? "; everything that was accepted was done."
                                 : "; nothing is left, and " +
                                       counted(account.dead, "event was given up: it is",
                                               "events were given up: they are") +
                                       " among the dead letters.";
    }
    const std::string left =
        counted(account.left, "event is", "events are") + " left for the next start";
    if (is_at_deadline(run.stop())) {
        return " and was cut off at the deadline; " + left + ".";
    }
    return "; " + left + ".";
}

// The consumers stop at a word of the launcher, or at its death.
std::string ending_without_launcher(const RunHistory& run) {
    const RunFigures figures = figures_of(run, curves_of(run, run.timeline()));
    std::string text = run.stop().drained
                           ? "The launcher was killed; its stages drained by themselves"
                           : "The launcher was killed; its stages began to drain by themselves";
    if (figures.has_left) {
        text += figures.account.left == 0
                    ? ", and nothing is left"
                    : "; " + counted(figures.account.left, "event was", "events were") + " left";
    }
    return text + ".";
}

std::string ending_without_summary(const RunHistory& run) {
    if (run.stop().terminating && !run.stop().begun) {
        return ending_without_launcher(run);
    }
    if (run.left()) {
        return "There is no summary: the run was killed as a whole. " +
               counted(*run.left(), "event was", "events were") +
               " left, and the next run recovered " + (*run.left() == 1 ? "it." : "them.");
    }
    if (run.has_successor()) {
        return "There is no summary: the run was killed as a whole, and another one follows.";
    }
    return run.stop().begun
               ? "The log ends within the stop: it goes on, or was killed in it."
               : "The log ends without a stop: the run goes on, was killed as a whole, or went on "
                 "in another log.";
}

void add_step(std::vector<Step>& steps, const std::optional<Microseconds>& time, std::string label,
              bool is_of_stop = true) {
    if (time) {
        steps.push_back({*time, std::move(label), is_of_stop});
    }
}

}  // namespace

std::string title_of(const RunHistory& run) {
    return run.name() + (run.identity().empty() ? "" : ", run " + run.identity());
}

std::string title_among(const std::vector<const RunHistory*>& runs, const RunHistory& run) {
    return title_of(run) +
           (runs.size() > 1 ? ", from " + time_to_text(run.begin()).substr(11, 12) + " UTC" : "");
}

std::string when_of(const RunHistory& run) {
    const auto to_second = [](Microseconds time) {
        std::string text = time_to_text(time);
        text[10] = ' ';
        return text.substr(0, 19);
    };
    const std::string begin = to_second(run.begin());
    const std::string end = to_second(run.end());
    const bool is_one_day = begin.substr(0, 10) == end.substr(0, 10);
    return begin + " to " + (is_one_day ? end.substr(11) : end) + " UTC, " +
           duration_text(run.end() - run.begin());
}

std::string ending_of(const RunHistory& run) {
    if (!run.account()) {
        return ending_without_summary(run);
    }
    if (run.accountant() != Program::launcher) {
        return "The launcher died; the stages drained by themselves" +
               left_text(run, *run.account());
    }
    return cause_of(run) + left_text(run, *run.account());
}

std::string check_of(const RunHistory& run, const RunFigures& figures, const Curves& curves) {
    const RunAccount& account = figures.account;
    if (!figures.is_final) {
        return run.has_successor()
                   ? "Counted from the records of the log; there is no summary."
                   : "Counted from the records of the log; there is no summary yet.";
    }
    const std::uint64_t told = account.settled() + account.left;
    if (told != account.accepted) {
        const bool is_less = told < account.accepted;
        return "The summary does NOT add up: it is " +
               grouped(is_less ? account.accepted - told : told - account.accepted) +
               (is_less ? " short." : " too many.");
    }
    const std::uint64_t settled = account.settled();
    if (curves.is_broadcast) {
        return "The account adds up. Each event went to every consumer.";
    }
    if (figures.records == settled) {
        return figures.left_out == 0
                   ? "The account adds up, and the log has a record for each event that was done."
                   : "The account adds up, and so do the records with those that were left out.";
    }
    if (figures.records > settled) {
        const std::uint64_t more = figures.records - settled;
        return "The account adds up. " + counted(more, "event has", "events have") +
               " one record more than " + (more == 1 ? "it was" : "they were") +
               " done: killed before the commit, the work was repeated.";
    }
    return "The account adds up, but the log has no record for " +
           counted(settled - figures.records, "event", "events") + " of those that were done" +
           (run.is_from_beginning() ? "." : ": it does not begin with the run.");
}

std::vector<std::string> caveats_of(const RunHistory& run, const RunFigures& figures,
                                    const Curves& curves) {
    std::vector<std::string> caveats;
    if (!run.is_from_beginning()) {
        caveats.emplace_back(
            "The log begins in the middle of this run, or the run never got ready: there is no "
            "\"ready\" in it. Times count from the first record.");
    } else if (!run.ready() && run.stop().begun) {
        caveats.emplace_back("The run never got ready.");
    }
    if (run.has_clock_jumped()) {
        caveats.emplace_back(
            "The clock was set during the run: times, lengths and rates are as the log has them.");
    }
    if (figures.left_out > 0) {
        caveats.push_back(counted(figures.left_out, "record was", "records were") +
                          " left out of the log (--log-events): when those events were done is "
                          "known to about a second, and not to a phase of the stop.");
    }
    if (curves.first_known > 0) {
        caveats.push_back(
            "Accepted and done are shown from the first record on that has their "
            "numbers, " +
            since_text(curves.slices[curves.first_known].end - run.begin(),
                       run.end() - run.begin()) +
            " after the log's first one.");
    }
    if (!figures.has_left) {
        caveats.emplace_back(
            "The log does not tell how many events were accepted up to its end: there were at "
            "least those that are shown, and more may wait.");
    }
    return caveats;
}

std::vector<Step> steps_of(const RunHistory& run) {
    const StopHistory& stop = run.stop();
    std::vector<Step> steps;
    add_step(steps, run.ready(), "ready", false);
    for (const RunHistory::Point& scaling : run.scalings()) {
        add_step(
            steps, scaling.time,
            std::to_string(scaling.number) + (scaling.number == 1 ? " consumer" : " consumers"),
            false);
    }
    add_step(steps, stop.begun, stop.reason.empty() ? "stopping" : "stopping, " + stop.reason);
    add_step(steps, stop.intake_closed, "intake closed");
    add_step(steps, stop.terminating, "terminating");
    add_step(steps, stop.emptied,
             run.account() && run.account()->emptied < stop.in_flight ? "last emptied" : "emptied");
    add_step(steps, stop.drained, "drained all");
    if (stop.begun && stop.grace && *stop.begun + *stop.grace <= run.end() + 100'000) {
        add_step(steps, std::min(*stop.begun + *stop.grace, run.end()), "deadline");
    }
    add_step(steps, stop.summary, "summary");
    std::ranges::stable_sort(steps, {}, &Step::time);
    return steps;
}

std::string stage_name(std::size_t number) {
    return number == 0 ? "producer" : "consumer " + std::to_string(number);
}

std::string stage_text(const Counts& counts) {
    struct Word {
        std::uint64_t number;
        const char* one;
        const char* more;
    };
    const std::array<Word, 5> words{
        {{number_in(counts, Count::deaths), "death", "deaths"},
         {number_in(counts, Count::starts), "restart", "restarts"},
         {number_in(counts, Count::failed), "failure", "failures"},
         {number_in(counts, Count::dead), "dead letter", "dead letters"},
         {number_in(counts, Count::warnings), "warning", "warnings"}}};
    const std::uint64_t done = done_in(counts);
    std::string text = done > 0 ? grouped(done) + " done" : "";
    for (const Word& word : words) {
        if (word.number > 0) {
            text += (text.empty() ? "" : ", ") + counted(word.number, word.one, word.more);
        }
    }
    return text;
}

bool is_notable(const Counts& counts, std::size_t number) {
    return number > 0
               ? std::ranges::any_of(counts, [](auto count) { return count > 0; })
               : number_in(counts, Count::deaths) > 0 || number_in(counts, Count::warnings) > 0;
}

MomentList moments_of(const RunHistory& run) {
    MomentList list{{}, run.moments().left_out(), run.failures().left_out()};
    for (const Moments* const moments : {&run.moments(), &run.failures()}) {
        list.moments.insert(list.moments.end(), moments->first().begin(), moments->first().end());
        list.moments.insert(list.moments.end(), moments->last().begin(), moments->last().end());
    }
    std::ranges::stable_sort(list.moments, {}, &Moment::time);
    return list;
}

}  // namespace drainpipe
