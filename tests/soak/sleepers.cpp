#include "sleepers.hpp"

#include <signal.h>

#include <algorithm>

namespace soak {
namespace {

// A census would not do: a process between fork and exec has no name yet.
bool exists(pid_t pid) { return ::kill(pid, 0) == 0; }

}  // namespace

void Sleepers::halt(pid_t pid, const std::string& role, Clock::duration duration) {
    if (has(pid)) return;
    const auto length = std::chrono::duration_cast<std::chrono::milliseconds>(duration);
    story_.tell("SIGSTOP to " + role + " pid=" + std::to_string(pid) + " for " +
                std::to_string(length.count()) + "ms");
    ::kill(pid, SIGSTOP);
    sleepers_.push_back({pid, role, Clock::now() + duration});
    last_slept_ = Clock::now();
}

void Sleepers::look_after() {
    if (is_empty()) return;
    const auto now = Clock::now();
    last_slept_ = now;
    for (const auto& sleeper : sleepers_) {
        if (now >= sleeper.wake_at) wake(sleeper);
    }
    std::erase_if(sleepers_, [&](const Sleeper& sleeper) {
        return now >= sleeper.wake_at || !exists(sleeper.pid);
    });
}

void Sleepers::wake_all() {
    if (!is_empty()) last_slept_ = Clock::now();
    for (const auto& sleeper : sleepers_) wake(sleeper);
    sleepers_.clear();
}

bool Sleepers::has(pid_t pid) const {
    return std::ranges::any_of(sleepers_, [pid](const Sleeper& each) { return each.pid == pid; });
}

void Sleepers::wake(const Sleeper& sleeper) {
    if (!exists(sleeper.pid)) return;
    story_.tell("SIGCONT to " + sleeper.role + " pid=" + std::to_string(sleeper.pid));
    ::kill(sleeper.pid, SIGCONT);
}

}  // namespace soak
