#include "run_curves.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

namespace drainpipe {
namespace {

std::uint64_t less(std::uint64_t number, std::uint64_t by) { return number - std::min(number, by); }

std::uint64_t records_of(const RunHistory& run) {
    std::uint64_t records = 0;
    for (const StageHistory& stage : run.stages()) {
        records += settled_in(stage.totals);
    }
    return records;
}

std::uint64_t left_out_of(const RunHistory& run) {
    std::uint64_t records = 0;
    for (const StageHistory& stage : run.stages()) {
        records += stage.left_out;
    }
    return records;
}

struct Ids {
    std::uint64_t lowest = 0;
    std::uint64_t highest = 0;
};

Ids ids_of(const RunHistory& run) {
    std::optional<std::uint64_t> lowest;
    std::uint64_t highest = 0;
    for (const StageHistory& stage : run.stages()) {
        if (stage.lowest_id) {
            lowest = std::min(lowest.value_or(*stage.lowest_id), *stage.lowest_id);
            highest = std::max(highest, stage.highest_id);
        }
    }
    return {lowest.value_or(0), highest};
}

// The log does not say how events were dealt out; two records of each of them do.
bool is_broadcast(const RunHistory& run) {
    const auto consumers = std::ranges::count_if(
        run.stages(), [](const StageHistory& stage) { return settled_in(stage.totals) > 0; });
    const Ids ids = ids_of(run);
    const std::uint64_t events = run.account()
                                     ? run.account()->settled()
                                     : less(ids.highest + 1, ids.lowest) + left_out_of(run);
    return consumers > 1 && events > 0 && records_of(run) >= events + events / 2;
}

// What an id has to be less by to count the run's accepted events. A run that goes on with a
// segment goes on with its ids.
std::uint64_t id_before(const RunHistory& run) {
    const Ids ids = ids_of(run);
    if (ids.lowest == 0 || (run.is_from_beginning() && !run.recovered())) {
        return 0;
    }
    const bool has_all = run.account() && run.account()->left == 0 && left_out_of(run) == 0;
    return has_all ? less(ids.highest, run.account()->accepted) : ids.lowest - 1;
}

// The standings in the order of time, from the beginning on.
std::vector<RunHistory::Standing> standings_of(const RunHistory& run) {
    std::vector<RunHistory::Standing> standings = run.standings();
    if (run.is_from_beginning()) {
        standings.insert(standings.begin(), {run.begin(), run.recovered().value_or(0), 0, 0, 0, 0});
    }
    std::ranges::stable_sort(standings, {}, &RunHistory::Standing::time);
    return standings;
}

// What was counted by the beginning of a timeline, and by the end of each of its buckets.
using Sums = std::vector<std::uint64_t>;

Sums sums_of(const StageHistory& stage, const Timeline& timeline, std::size_t lane,
             std::uint64_t (*number_in)(const Counts&)) {
    Sums sums{0};
    for (std::size_t bucket = 0; bucket < timeline.size(); ++bucket) {
        sums.push_back(sums.back() + number_in(timeline.counts(lane, bucket)));
    }
    const std::uint64_t before = less(number_in(stage.totals), sums.back());
    for (std::uint64_t& sum : sums) {
        sum += before;
    }
    return sums;
}

// Of all consumers. Where each event goes to every one it is settled when all have settled it.
Sums sums_of(const RunHistory& run, const Timeline& timeline, bool is_least,
             std::uint64_t (*number_in)(const Counts&)) {
    Sums all(timeline.size() + 1, 0);
    bool is_first = true;
    for (std::size_t lane = 0; lane < run.stages().size(); ++lane) {
        if (settled_in(run.stages()[lane].totals) == 0) {
            continue;
        }
        const Sums sums = sums_of(run.stages()[lane], timeline, lane, number_in);
        for (std::size_t index = 0; index < all.size(); ++index) {
            all[index] = is_least && !is_first ? std::min(all[index], sums[index])
                                               : all[index] + sums[index];
        }
        is_first = false;
    }
    return all;
}

// A sum that a record has exactly, and what was counted by then, in the bucket before that index.
struct Anchor {
    std::size_t index;
    std::uint64_t sum;
    std::uint64_t counted;
};

// Between two anchors the records of events give the shape, and the anchors what it comes to: the
// log may lack records, and have two of one event.
void fit(Sums& sums, const std::vector<Anchor>& anchors) {
    if (anchors.empty()) {
        return;
    }
    const Sums counted = sums;
    const Anchor first = anchors.front();
    for (std::size_t index = 0; index < first.index; ++index) {
        sums[index] = less(first.sum, less(first.counted, counted[index]));
    }
    for (std::size_t number = 1; number < anchors.size(); ++number) {
        const Anchor& from = anchors[number - 1];
        const Anchor& to = anchors[number];
        const auto rise = static_cast<double>(less(to.sum, from.sum));
        const auto records = static_cast<double>(less(to.counted, from.counted));
        for (std::size_t index = from.index; index < to.index; ++index) {
            const double part =
                records > 0 ? static_cast<double>(less(counted[index], from.counted)) / records
                            : static_cast<double>(index - from.index) /
                                  static_cast<double>(to.index - from.index);
            sums[index] =
                from.sum + static_cast<std::uint64_t>(std::llround(std::min(part, 1.0) * rise));
        }
    }
    const Anchor last = anchors.back();
    for (std::size_t index = last.index; index < sums.size(); ++index) {
        sums[index] = last.sum + less(counted[index], last.counted);
    }
}

// What was settled, and what of it was given up.
struct Settled {
    Sums all;
    Sums dead;
    std::size_t first_known = 0;  // slice
};

Settled settled_of(const RunHistory& run, const Timeline& timeline, bool is_broadcast) {
    Settled settled{sums_of(run, timeline, is_broadcast, settled_in),
                    sums_of(run, timeline, false, [](const Counts& counts) {
                        return counts[static_cast<std::size_t>(Count::dead)];
                    })};
    std::vector<Anchor> all;
    std::vector<Anchor> dead;
    bool is_known_before = run.is_from_beginning();
    for (const RunHistory::Standing& standing : standings_of(run)) {
        if (!standing.done) {
            continue;
        }
        if (standing.time < timeline.begin()) {
            is_known_before = true;
            continue;
        }
        const auto bucket =
            static_cast<std::size_t>((standing.time - timeline.begin()) / timeline.width());
        const bool is_beginning = run.is_from_beginning() && standing.time == run.begin();
        const std::size_t index = is_beginning ? 0 : std::min(bucket + 1, timeline.size());
        if (!all.empty() && all.back().index == index) {
            all.pop_back();
            dead.pop_back();
        }
        const std::uint64_t records = is_broadcast ? standing.least_records : standing.records;
        const auto counted = [&](const Sums& sums, std::uint64_t number) {
            return index == 0 ? sums[0] : std::clamp(number, sums[index - 1], sums[index]);
        };
        all.push_back({index, *standing.done + standing.dead, counted(settled.all, records)});
        dead.push_back({index, standing.dead, counted(settled.dead, standing.dead)});
    }
    if (!is_known_before && !all.empty() && all.front().index < timeline.size()) {
        settled.first_known = all.front().index - 1;
    }
    fit(settled.all, all);
    fit(settled.dead, dead);
    return settled;
}

// What is accepted at a time. Between two records that know it that is estimated: evenly, but not
// less than what ids prove.
class Acceptance {
  public:
    Acceptance(const RunHistory& run, const Timeline& timeline)
        : standings_(standings_of(run)),
          id_before_(id_before(run)),
          close_((run.end() - timeline.begin()) / 25) {
        if (run.account()) {
            most_ = run.account()->accepted;
        }
    }

    // Times and ids have to rise from call to call.
    void set(Slice& slice, std::uint64_t highest_id) {
        while (next_ < standings_.size() && standings_[next_].time <= slice.end) {
            exact_ = std::max(exact_, standings_[next_++].accepted);
        }
        least_ = std::max({least_, exact_, less(highest_id, id_before_), slice.done + slice.dead});
        if (next_ == standings_.size()) {
            least_ = std::min(least_, most_.value_or(least_));
            slice.accepted = least_;
            return;
        }
        const std::uint64_t most = std::max(standings_[next_].accepted, exact_);
        slice.is_exact = next_ > 0 && (most - exact_ <= most / 100 || is_close());
        least_ = std::min(std::max(least_, next_ > 0 ? between(slice.end) : 0), most);
        slice.accepted = least_;
    }

  private:
    bool is_close() const { return standings_[next_].time - standings_[next_ - 1].time <= close_; }
    std::uint64_t between(Microseconds time) const {
        const RunHistory::Standing& before = standings_[next_ - 1];
        const RunHistory::Standing& after = standings_[next_];
        const auto part =
            static_cast<double>(time - before.time) / static_cast<double>(after.time - before.time);
        return exact_ +
               static_cast<std::uint64_t>(part * static_cast<double>(less(after.accepted, exact_)));
    }

    std::vector<RunHistory::Standing> standings_;
    std::uint64_t id_before_;
    Microseconds close_;  // so near to each other that a line between them tells enough
    std::optional<std::uint64_t> most_;
    std::size_t next_ = 0;
    std::uint64_t exact_ = 0;
    std::uint64_t least_ = 0;  // it does not fall
};

double per_second(std::uint64_t events, Microseconds time) {
    return time > 0 ? static_cast<double>(events) * 1e6 / static_cast<double>(time) : 0;
}

// A burst of records has one time: what is looked at is long enough to be more than a burst.
double peak_rate_of(const std::vector<Slice>& slices) {
    constexpr Microseconds kLeast = 20'000;
    if (slices.empty()) {
        return 0;
    }
    const Microseconds window = std::max(kLeast, (slices.back().end - slices.front().begin) / 60);
    double peak = 0;
    std::uint64_t events = 0;
    std::size_t first = 0;
    for (const Slice& slice : slices) {
        events += slice.done_in_slice;
        while (slice.end - slices[first].begin > window && slices[first].end < slice.end) {
            events -= slices[first++].done_in_slice;
        }
        peak =
            std::max(peak, per_second(events, std::max(kLeast, slice.end - slices[first].begin)));
    }
    return peak;
}

double mean_rate_of(const std::vector<Slice>& slices) {
    const auto has_done = [](const Slice& slice) { return slice.done_in_slice > 0; };
    const auto first = std::ranges::find_if(slices, has_done);
    if (first == slices.end()) {
        return 0;
    }
    const auto last = std::find_if(slices.rbegin(), slices.rend(), has_done);
    return per_second(slices.back().done - (first->done - first->done_in_slice),
                      last->end - first->begin);
}

}  // namespace

Curves curves_of(const RunHistory& run, const Timeline& timeline) {
    Curves curves;
    curves.is_broadcast = is_broadcast(run);
    // Nothing gets in once the intake is closed.
    if (!run.account() && !run.stop().intake_closed) {
        const std::vector<RunHistory::Standing> standings = standings_of(run);
        curves.open_from = standings.empty() ? run.begin() : standings.back().time;
    }
    const Settled settled = settled_of(run, timeline, curves.is_broadcast);
    curves.first_known = settled.first_known;
    Acceptance acceptance(run, timeline);
    std::uint64_t before = less(settled.all[0], settled.dead[0]);
    std::uint64_t highest_id = 0;
    for (std::size_t bucket = 0; bucket < timeline.size(); ++bucket) {
        highest_id = std::max(highest_id, timeline.highest_id(bucket));
        const Microseconds begin =
            timeline.begin() + static_cast<Microseconds>(bucket) * timeline.width();
        Slice slice{
            .begin = begin,
            .end = std::clamp(begin + timeline.width(), begin + 1, std::max(run.end(), begin + 1)),
            .done = less(settled.all[bucket + 1], settled.dead[bucket + 1]),
            .dead = settled.dead[bucket + 1]};
        slice.done_in_slice = less(slice.done, before);
        before = std::max(before, slice.done);
        acceptance.set(slice, highest_id);
        slice.is_exact = slice.is_exact && begin <= curves.open_from;
        curves.is_acceptance_exact =
            curves.is_acceptance_exact && (slice.is_exact || bucket < curves.first_known);
        curves.slices.push_back(slice);
    }
    return curves;
}

std::vector<Row> rows_of(const Curves& curves, std::size_t most) {
    std::vector<Row> rows;
    const std::size_t slices = curves.slices.size();
    const std::size_t group = (slices - curves.first_known + most - 1) / most;
    for (std::size_t first = curves.first_known; first < slices; first += group) {
        const std::size_t last = std::min(first + group, slices) - 1;
        std::uint64_t done = 0;
        for (std::size_t index = first; index <= last; ++index) {
            done += curves.slices[index].done_in_slice;
        }
        const Slice& slice = curves.slices[last];
        rows.push_back({slice, done, per_second(done, slice.end - curves.slices[first].begin)});
    }
    return rows;
}

RunFigures figures_of(const RunHistory& run, const Curves& curves) {
    const auto total = [&](Count what) {
        std::uint64_t sum = 0;
        for (const StageHistory& stage : run.stages()) {
            sum += stage.totals[static_cast<std::size_t>(what)];
        }
        return sum;
    };
    RunFigures figures{.account = run.account().value_or(RunAccount{}),
                       .is_final = run.account().has_value(),
                       .has_accepted = !curves.is_open(),
                       .has_left = !curves.is_open() || run.left(),
                       .records = records_of(run),
                       .left_out = left_out_of(run),
                       .deaths = total(Count::deaths),
                       .starts = total(Count::starts),
                       .failures = total(Count::failed),
                       .mean_rate = mean_rate_of(curves.slices),
                       .peak_rate = peak_rate_of(curves.slices)};
    if (!run.account()) {
        figures.account = {.accepted = curves.slices.empty() ? 0 : curves.slices.back().accepted,
                           .processed = total(Count::processed),
                           .emptied = total(Count::emptied),
                           .drained = total(Count::drained),
                           .dead = total(Count::dead)};
        RunAccount& account = figures.account;
        account.left = run.left().value_or(less(account.accepted, account.settled()));
        account.accepted = std::max(account.accepted, account.settled() + account.left);
    }
    return figures;
}

}  // namespace drainpipe
