#include "sleeper.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "fault_plan.hpp"

namespace drainpipe::test {

using Clock = std::chrono::steady_clock;

Sleeper::Sleeper(EventCount& event_count, const std::function<bool()>& has_come) : pid_(::fork()) {
    if (pid_ == 0) {
        FaultPlan::current().die_at(0);
        while (true) {
            const std::uint32_t noted = event_count.prepare_wait();
            if (has_come()) {
                ::_exit(0);
            }
            event_count.wait(noted);
        }
    }
}

Sleeper::~Sleeper() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
}

bool Sleeper::has_left_within(std::chrono::milliseconds limit) const {
    const auto deadline = Clock::now() + limit;
    siginfo_t info{};
    while (Clock::now() < deadline) {
        if (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT | WNOHANG) == 0 &&
            info.si_pid == pid_) {
            return true;
        }
    }
    return false;
}

}  // namespace drainpipe::test
