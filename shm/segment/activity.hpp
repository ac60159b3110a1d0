#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "word.hpp"

namespace drainpipe {

// How long the work on events took, as a histogram: how many took at most so long. The bounds are
// those of most HTTP and job metrics, in nanoseconds; what took longer than the last one is counted
// behind it.
inline constexpr std::array<std::int64_t, 18> kWorkBounds{
    1'000,         10'000,        100'000,       1'000'000,      2'500'000,      5'000'000,
    10'000'000,    25'000'000,    50'000'000,    100'000'000,    250'000'000,    500'000'000,
    1'000'000'000, 2'500'000'000, 5'000'000'000, 10'000'000'000, 60'000'000'000, 300'000'000'000};

// What a consumer is at, by its number, for those who look. Its consumer alone writes it; the
// launcher sets it to zero before a run. A statistic: killed between two of its stores a consumer
// leaves an event that is counted in part.
class ConsumerActivity {
  public:
    using Duration = std::chrono::nanoseconds;

    void set_jobs(std::uint32_t jobs) { jobs_ = jobs; }
    std::uint32_t jobs() const { return jobs_; }

    // The work on so many events is done, and took that long for each.
    void count_work(Duration each, std::uint64_t events = 1) {
        const auto bucket = std::ranges::lower_bound(kWorkBounds, each.count());
        counts_[static_cast<std::size_t>(bucket - kWorkBounds.begin())] += events;
        nanoseconds_ +=
            static_cast<std::uint64_t>(std::max<std::int64_t>(each.count(), 0)) * events;
    }
    // How many took longer than the bound before, and at most as long as that one.
    std::uint64_t work_count(std::size_t bucket) const { return counts_[bucket]; }
    std::uint64_t work_nanoseconds() const { return nanoseconds_; }

    void reset() {
        jobs_ = 0;
        nanoseconds_ = 0;
        counts_.fill(Part<std::uint64_t>());
    }

  private:
    alignas(64) Part<std::uint32_t> jobs_;
    Part<std::uint64_t> nanoseconds_;
    std::array<Part<std::uint64_t>, kWorkBounds.size() + 1> counts_;
};

static_assert(sizeof(ConsumerActivity) == 192);

}  // namespace drainpipe
