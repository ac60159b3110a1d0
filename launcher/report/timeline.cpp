#include "timeline.hpp"

#include <algorithm>
#include <functional>

namespace drainpipe {

std::uint64_t done_in(const Counts& counts) {
    return counts[static_cast<std::size_t>(Count::processed)] +
           counts[static_cast<std::size_t>(Count::emptied)] +
           counts[static_cast<std::size_t>(Count::drained)];
}

std::uint64_t settled_in(const Counts& counts) {
    return done_in(counts) + counts[static_cast<std::size_t>(Count::dead)];
}

void Timeline::add(Microseconds time, std::size_t lane, Count what, std::uint64_t count) {
    counts_at(lane, bucket_at(time))[static_cast<std::size_t>(what)] += count;
}

void Timeline::spread(Microseconds since, Microseconds time, std::size_t lane, Count what,
                      std::uint64_t count) {
    const std::size_t last = bucket_at(time);  // first of all, for it may double the width
    since = std::clamp(since, std::min(begin_, time), time);
    std::uint64_t given = 0;
    for (std::size_t bucket = bucket_at(since); bucket < last; ++bucket) {
        const Microseconds end = begin_ + static_cast<Microseconds>(bucket + 1) * width_;
        const double part = static_cast<double>(end - since) / static_cast<double>(time - since);
        const auto by_then = static_cast<std::uint64_t>(part * static_cast<double>(count));
        counts_at(lane, bucket)[static_cast<std::size_t>(what)] += by_then - given;
        given = by_then;
    }
    counts_at(lane, last)[static_cast<std::size_t>(what)] += count - given;
}

void Timeline::see_id(Microseconds time, std::uint64_t id) {
    std::uint64_t& highest = highest_id_[bucket_at(time)];
    highest = std::max(highest, id);
}

const Counts& Timeline::counts(std::size_t lane, std::size_t bucket) const {
    static constexpr Counts kNone{};
    return lane < lanes_.size() && bucket < lanes_[lane].size() ? lanes_[lane][bucket] : kNone;
}

Counts& Timeline::counts_at(std::size_t lane, std::size_t bucket) {
    if (lane >= lanes_.size()) {
        lanes_.resize(lane + 1);
    }
    std::vector<Counts>& buckets = lanes_[lane];
    if (bucket >= buckets.size()) {
        buckets.resize(bucket + 1);
    }
    return buckets[bucket];
}

std::size_t Timeline::bucket_at(Microseconds time) {
    const Microseconds since = std::max<Microseconds>(0, time - begin_);
    while (since / width_ >= static_cast<Microseconds>(kBuckets)) {
        double_width();
    }
    const auto bucket = static_cast<std::size_t>(since / width_);
    if (bucket >= highest_id_.size()) {
        highest_id_.resize(bucket + 1);
    }
    return bucket;
}

void Timeline::double_width() {
    width_ *= 2;
    const std::size_t size = (highest_id_.size() + 1) / 2;
    for (std::size_t bucket = 0; bucket < size; ++bucket) {
        const std::size_t second = std::min(2 * bucket + 1, highest_id_.size() - 1);
        highest_id_[bucket] = std::max(highest_id_[2 * bucket], highest_id_[second]);
    }
    highest_id_.resize(size);
    for (std::vector<Counts>& buckets : lanes_) {
        for (std::size_t from = 0; from < buckets.size(); ++from) {
            Counts& into = buckets[from / 2];
            const Counts counts = buckets[from];
            if (from % 2 == 0) {
                into = counts;
            } else {
                std::ranges::transform(into, counts, into.begin(), std::plus<>());
            }
        }
        buckets.resize((buckets.size() + 1) / 2);
    }
}

}  // namespace drainpipe
