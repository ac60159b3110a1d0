#include "job.hpp"

#include <unistd.h>

#include <algorithm>

#include "live_text.hpp"

namespace drainpipe {
namespace {

// A share of the file that is counted between two showings, without holding the launcher up.
constexpr std::uint64_t kCountedAtOnce = 16 * 1024 * 1024;

}  // namespace

Job::Job(const Segment& segment, const Gauge& gauge, std::optional<SourceFile>& file,
         Console& console)
    : segment_(segment),
      gauge_(gauge),
      file_(file),
      console_(console),
      is_shown_(console.has_live_line() && (file.has_value() || ::isatty(STDIN_FILENO) == 0)),
      done_before_(done()) {}

bool Job::is_done() const {
    // In this order: nothing is accepted after the end.
    return segment_.header().file_has_ended.load() != 0 && gauge_.read().left == 0;
}

std::uint64_t Job::done() const {
    const Account account = gauge_.read();
    std::uint64_t accepted = account.accepted;
    if (file_) {
        const auto progress = file_progress_of(segment_.header());
        accepted = progress ? progress->lines : 0;
    }
    return accepted - std::min(accepted, account.left);
}

void Job::show_progress() {
    if (!is_shown_ || !console_.is_live_line_due()) {
        return;
    }
    const Clock::time_point now = Clock::now();
    const std::uint64_t done = this->done();
    const double seconds = std::chrono::duration<double>(now - begun_at_).count();
    const double rate = static_cast<double>(done - std::min(done, done_before_)) / seconds;
    if (file_) {
        file_->count(kCountedAtOnce);
    }
    const bool is_total_known = file_ && file_->is_counted();
    const auto total = is_total_known ? std::optional<std::uint64_t>(file_->lines()) : std::nullopt;
    console_.show_live(job_text(done, total, rate, console_.columns()));
}

}  // namespace drainpipe
