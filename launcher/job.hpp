#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "console.hpp"
#include "gauge.hpp"
#include "segment.hpp"
#include "source_file.hpp"

namespace drainpipe {

// The work on a source that has an end: whether all of it is done, and how far it is.
class Job {
  public:
    using Clock = std::chrono::steady_clock;

    // Between two looks at whether it is done.
    static constexpr std::chrono::milliseconds kBetweenLooks{50};

    // `file` where the source is one; all of them as long as this.
    Job(const Segment& segment, const Gauge& gauge, std::optional<SourceFile>& file,
        Console& console);

    // Every line that the source had is accepted, and what was done with each is settled.
    bool is_done() const;

    // On a terminal, and where nobody types there: how many lines are done and of how many, how
    // many a second, the time left.
    void show_progress();

  private:
    // Lines whose work is done, of the file or of this run.
    std::uint64_t done() const;

    const Segment& segment_;
    const Gauge& gauge_;
    std::optional<SourceFile>& file_;
    Console& console_;
    bool is_shown_;
    Clock::time_point begun_at_ = Clock::now();
    std::uint64_t done_before_;
};

}  // namespace drainpipe
