#include "run_curves.hpp"

#include <algorithm>
#include <optional>

namespace drainpipe {
namespace {

std::uint64_t less(std::uint64_t number, std::uint64_t by) { return number - std::min(number, by); }

std::uint64_t done_of(const RunAccount& account) { return less(account.settled(), account.left); }

std::uint64_t records_of(const RunHistory& run) {
    std::uint64_t records = 0;
    for (const StageHistory& stage : run.stages()) {
        records += done_in(stage.totals);
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
        run.stages(), [](const StageHistory& stage) { return done_in(stage.totals) > 0; });
    const Ids ids = ids_of(run);
    const std::uint64_t events = run.account()
                                     ? done_of(*run.account())
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

// What is known exactly, from the beginning on.
std::vector<RunHistory::Point> exact_points(const RunHistory& run) {
    std::vector<RunHistory::Point> points = run.points();
    if (run.is_from_beginning()) {
        points.insert(points.begin(), {run.begin(), run.recovered().value_or(0)});
    }
    std::ranges::stable_sort(points, {}, &RunHistory::Point::time);
    return points;
}

// How many are done at the end of each bucket.
class DoneCounter {
  public:
    DoneCounter(const RunHistory& run, const Timeline& timeline, bool is_broadcast)
        : timeline_(timeline), is_broadcast_(is_broadcast), done_(run.stages().size()) {
        for (std::size_t lane = 0; lane < done_.size(); ++lane) {
            std::uint64_t here = 0;
            for (std::size_t bucket = 0; bucket < timeline.size(); ++bucket) {
                here += done_in(timeline.counts(lane, bucket));
            }
            const std::uint64_t all = done_in(run.stages()[lane].totals);
            done_[lane] = less(all, here);
            is_used_.push_back(all > 0);
        }
    }

    void advance(std::size_t bucket) {
        for (std::size_t lane = 0; lane < done_.size(); ++lane) {
            done_[lane] += done_in(timeline_.counts(lane, bucket));
        }
    }
    std::uint64_t done() const {
        std::optional<std::uint64_t> least;
        std::uint64_t sum = 0;
        for (std::size_t lane = 0; lane < done_.size(); ++lane) {
            sum += done_[lane];
            if (is_used_[lane]) {
                least = std::min(least.value_or(done_[lane]), done_[lane]);
            }
        }
        return is_broadcast_ ? least.value_or(0) : sum;
    }

  private:
    const Timeline& timeline_;
    bool is_broadcast_;
    std::vector<std::uint64_t> done_;
    std::vector<bool> is_used_;
};

// What is accepted at a time, between two records that know it.
class AcceptedBounds {
  public:
    AcceptedBounds(const RunHistory& run, Microseconds span)
        : points_(exact_points(run)), id_before_(id_before(run)), close_(span / 25) {
        if (run.account()) {
            most_ = run.account()->accepted;
        }
    }

    // Times and ids have to rise from call to call.
    void set(Slice& slice, std::uint64_t highest_id) {
        while (next_ < points_.size() && points_[next_].time <= slice.end) {
            exact_ = std::max(exact_, points_[next_++].number);
        }
        std::uint64_t least = std::max({exact_, less(highest_id, id_before_), slice.done});
        if (next_ == points_.size()) {
            slice.accepted_least = std::min(least, most_.value_or(least));
            slice.accepted_most = slice.accepted_least;
            return;
        }
        const std::uint64_t most = std::max(points_[next_].number, exact_);
        least = std::min(least, most);
        if (next_ > 0 && points_[next_].time - points_[next_ - 1].time <= close_) {
            least = std::max(least, between(slice.end));
            slice.accepted_most = least;
        } else {
            slice.accepted_most = most;
        }
        slice.accepted_least = least;
    }

  private:
    std::uint64_t between(Microseconds time) const {
        const RunHistory::Point& before = points_[next_ - 1];
        const RunHistory::Point& after = points_[next_];
        const auto part =
            static_cast<double>(time - before.time) / static_cast<double>(after.time - before.time);
        return exact_ +
               static_cast<std::uint64_t>(part * static_cast<double>(less(after.number, exact_)));
    }

    std::vector<RunHistory::Point> points_;
    std::uint64_t id_before_;
    Microseconds close_;  // so near to each other that a line between them tells enough
    std::optional<std::uint64_t> most_;
    std::size_t next_ = 0;
    std::uint64_t exact_ = 0;
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
    const Microseconds span = run.end() - timeline.begin();
    DoneCounter counter(run, timeline, curves.is_broadcast);
    AcceptedBounds bounds(run, span);
    if (!run.account()) {
        const std::vector<RunHistory::Point> points = exact_points(run);
        curves.open_from = points.empty() ? run.begin() : points.back().time;
        // Nothing gets in once the intake is closed.
        if (run.stop().intake_closed) {
            curves.open_from = std::numeric_limits<Microseconds>::max();
        }
    }
    std::uint64_t before = counter.done();
    std::uint64_t highest_id = 0;
    for (std::size_t bucket = 0; bucket < timeline.size(); ++bucket) {
        counter.advance(bucket);
        highest_id = std::max(highest_id, timeline.highest_id(bucket));
        const Microseconds begin =
            timeline.begin() + static_cast<Microseconds>(bucket) * timeline.width();
        Slice slice{begin,
                    std::clamp(begin + timeline.width(), begin + 1, std::max(run.end(), begin + 1)),
                    0,
                    0,
                    counter.done(),
                    0};
        if (run.account()) {
            slice.done = std::min(slice.done, done_of(*run.account()));
        }
        slice.done_in_slice = less(slice.done, before);
        before = std::max(before, slice.done);
        bounds.set(slice, highest_id);
        curves.is_acceptance_exact =
            curves.is_acceptance_exact &&
            slice.accepted_most - slice.accepted_least <= slice.accepted_most / 100;
        curves.slices.push_back(slice);
    }
    return curves;
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
                       .records = records_of(run),
                       .left_out = left_out_of(run),
                       .deaths = total(Count::deaths),
                       .starts = total(Count::starts),
                       .failures = total(Count::failed),
                       .mean_rate = mean_rate_of(curves.slices),
                       .peak_rate = peak_rate_of(curves.slices)};
    if (!run.account()) {
        figures.account = {
            .accepted = curves.slices.empty() ? 0 : curves.slices.back().accepted_least,
            .processed = total(Count::processed),
            .emptied = total(Count::emptied),
            .drained = total(Count::drained),
            .dead = total(Count::dead)};
        const std::uint64_t done = figures.account.settled();
        figures.account.left = less(figures.account.accepted, done);
    }
    return figures;
}

}  // namespace drainpipe
