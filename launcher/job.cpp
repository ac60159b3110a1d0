#include "job.hpp"

#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <algorithm>

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
      is_shown_(console.is_terminal() && (file.has_value() || ::isatty(STDIN_FILENO) == 0)),
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
    const Clock::time_point now = Clock::now();
    if (!is_shown_ || now < next_show_) {
        return;
    }
    next_show_ = now + console_.progress_interval();
    const std::uint64_t done = this->done();
    const double seconds = std::chrono::duration<double>(now - begun_at_).count();
    const double rate = static_cast<double>(done - std::min(done, done_before_)) / seconds;
    std::string shown = fmt::format("done={}", done);
    if (file_) {
        file_->count(kCountedAtOnce);
    }
    const bool is_total_known = file_ && file_->is_counted();
    if (is_total_known) {
        shown += fmt::format(" of={}", file_->lines());
    }
    shown += fmt::format(" rate={:.0f}/s", rate);
    if (is_total_known && rate > 0) {
        const std::uint64_t left = file_->lines() - std::min(file_->lines(), done);
        shown += fmt::format(" time_left={:.0f}s", static_cast<double>(left) / rate);
    }
    console_.show_progress(shown);
}

}  // namespace drainpipe
