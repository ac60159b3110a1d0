#include "progress_bar.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>

namespace drainpipe {
namespace {

constexpr std::chrono::milliseconds kBetweenShows{100};
constexpr std::uint64_t kWidth = 30;

}  // namespace

ProgressBar::ProgressBar(std::uint64_t total)
    : total_(total), is_on_(::isatty(STDERR_FILENO) == 1) {}

ProgressBar::~ProgressBar() {
    if (has_shown_) {
        std::fputs("\r\033[K", stderr);
    }
}

void ProgressBar::show(std::uint64_t done) {
    const auto now = std::chrono::steady_clock::now();
    if (!is_on_ || now < next_) {
        return;
    }
    next_ = now + kBetweenShows;
    has_shown_ = true;
    std::string line = "\r\033[K" + std::to_string(done);
    if (total_ > 0) {
        const double share = static_cast<double>(done) / static_cast<double>(total_);
        const auto filled =
            std::min(kWidth, static_cast<std::uint64_t>(share * static_cast<double>(kWidth)));
        line += " of " + std::to_string(total_) + " [" + std::string(filled, '#') +
                std::string(kWidth - filled, ' ') + "]";
    }
    std::fputs((line + " accepted").c_str(), stderr);
}

}  // namespace drainpipe
