#include "progress_bar.hpp"

#include <unistd.h>

#include <chrono>
#include <string>

#include "figures.hpp"

namespace drainpipe {
namespace {

constexpr std::size_t kBarPlaces = 20;

}  // namespace

ProgressBar::ProgressBar(std::uint64_t total)
    : total_(total), terminal_(STDERR_FILENO), line_(terminal_) {}

void ProgressBar::show(std::uint64_t done) {
    if (!line_.is_due()) {
        return;
    }
    const std::chrono::duration<double> seconds = LiveLine::Clock::now() - begun_at_;
    std::string text = "accepted " + grouped(done);
    if (total_ > 0) {
        const double share = static_cast<double>(done) / static_cast<double>(total_);
        text = bar_text(share, kBarPlaces) + " " + text + " of " + grouped(total_);
    }
    line_.show(text + "  " + rate_text(static_cast<double>(done) / seconds.count()));
}

}  // namespace drainpipe
