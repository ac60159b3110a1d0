#include "history.hpp"

#include <algorithm>
#include <atomic>

namespace drainpipe {
namespace {

constexpr std::int64_t kInterval = 1'000'000'000;  // of the samples, in ns

}  // namespace

void History::Ring::append(const Sample& sample) {
    const std::uint64_t count = count_.load();
    Slot& slot = slots_[count % kSamples];
    slot.at = sample.at;
    slot.accepted = sample.accepted;
    slot.done = sample.done;
    count_.store(count + 1);
}

History::Sample History::Ring::at(std::uint64_t number) const {
    const Slot& slot = slots_[number % kSamples];
    return {slot.at, slot.accepted, slot.done};
}

template <typename Is>
std::uint64_t History::Ring::partition_point(std::uint64_t oldest, std::uint64_t count,
                                             Is is) const {
    std::uint64_t first = oldest;
    while (first < count) {
        const std::uint64_t middle = first + (count - first) / 2;
        if (is(at(middle))) {
            first = middle + 1;
        } else {
            count = middle;
        }
    }
    return first - oldest;
}

// A sample is appended each second: that a reader is overtaken by a thousand of them, in the middle
// of this, it is told by a count that has moved on.
template <typename Is>
std::optional<History::Sample> History::Ring::last(Is is) const {
    const std::uint64_t count = this->count();
    const std::uint64_t oldest = oldest_of(count);
    const std::uint64_t point = partition_point(oldest, count, is);
    const Sample found = at(oldest + point - (point > 0 ? 1 : 0));
    std::atomic_thread_fence(std::memory_order_acquire);
    const bool is_there = point > 0 && oldest_of(this->count()) <= oldest + point - 1;
    return is_there ? std::optional<Sample>(found) : std::nullopt;
}

template <typename Is>
std::optional<History::Sample> History::Ring::first_not(Is is) const {
    const std::uint64_t count = this->count();
    const std::uint64_t oldest = oldest_of(count);
    const std::uint64_t number = oldest + partition_point(oldest, count, is);
    const Sample found = at(number);
    std::atomic_thread_fence(std::memory_order_acquire);
    const bool is_there = number < count && oldest_of(this->count()) <= number;
    return is_there ? std::optional<Sample>(found) : std::nullopt;
}

// The nearest one: the finer rings know later samples, the coarser ones earlier ones.
template <typename Is>
std::optional<History::Found> History::last(Is is) const {
    std::int64_t interval = kInterval;
    for (const Ring& ring : rings_) {
        if (const std::optional<Sample> sample = ring.last(is)) {
            return Found{*sample, interval};
        }
        interval *= 2;
    }
    return std::nullopt;
}

template <typename Is>
std::optional<History::Sample> History::first_not(Is is) const {
    std::optional<Sample> nearest;
    for (const Ring& ring : rings_) {
        const std::optional<Sample> found = ring.first_not(is);
        if (found && (!nearest || found->at < nearest->at)) {
            nearest = found;
        }
    }
    return nearest;
}

void History::append(const Sample& sample) {
    const std::uint64_t number = rings_.front().count();
    std::uint64_t every = 1;
    for (Ring& ring : rings_) {
        if (number % every == 0) {
            ring.append(sample);
        }
        every *= 2;
    }
}

std::optional<History::Sample> History::latest() const {
    const auto found = last([](const Sample&) { return true; });
    return found ? std::optional(found->sample) : std::nullopt;
}

std::optional<History::Sample> History::before(std::int64_t now, std::int64_t age) const {
    if (const auto found = last([&](const Sample& sample) { return sample.at <= now - age; })) {
        return found->sample;
    }
    return first_not([](const Sample&) { return false; });
}

std::int64_t History::accepted_at(std::uint64_t event, std::int64_t now,
                                  std::uint64_t accepted) const {
    const auto is_before = [&](const Sample& sample) { return sample.accepted <= event; };
    const std::optional<Sample> next = first_not(is_before);
    const std::optional<Found> before = last(is_before);
    Sample end = next.value_or(Sample{now, accepted, 0});
    const Sample begin = before ? before->sample : end;
    if (next && before) {
        end.at = std::min(end.at, begin.at + 2 * before->interval);
    }
    if (end.accepted <= begin.accepted || end.at < begin.at) {
        return begin.at;
    }
    const double share = static_cast<double>(event - begin.accepted) /
                         static_cast<double>(end.accepted - begin.accepted);
    return begin.at + static_cast<std::int64_t>(share * static_cast<double>(end.at - begin.at));
}

}  // namespace drainpipe
