#include "leftovers.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <set>
#include <utility>

namespace drainpipe {
namespace {

constexpr const char* kVariable = "DRAINPIPE_PROCESS";
constexpr std::chrono::milliseconds kBetweenSweeps{5};
constexpr std::chrono::seconds kRoutine{1};

}  // namespace

std::string Leftovers::variable(std::uint64_t serial) const {
    std::string said(kVariable);
    return said.append("=")
        .append(std::to_string(::getpid()))
        .append("-")
        .append(std::to_string(serial));
}

void Leftovers::started() { routine_at_ = routine_at_.value_or(Clock::now() + kRoutine); }

void Leftovers::sweep(const Running& running) {
    std::set<pid_t> own;
    for (const auto& [serial, pid] : running) {
        own.insert(pid);
    }
    again_at_.reset();
    routine_at_ = running.empty() ? std::nullopt : std::optional(Clock::now() + kRoutine);
    std::map<pid_t, std::uint64_t> seen = std::exchange(seen_, {});
    for (const pid_t pid : children_.list(own)) {
        if (::waitpid(pid, nullptr, WNOHANG) == pid) {
            again_at_ = Clock::now() + kBetweenSweeps;  // its children have come since the list
            continue;
        }
        if (const auto before = seen.find(pid); before != seen.end()) {
            seen_.insert(*before);
        }
        if (!may_be_of(pid, running)) {
            ::kill(pid, SIGKILL);
            again_at_ = Clock::now() + kBetweenSweeps;
        }
    }
}

bool Leftovers::may_be_of(pid_t pid, const Running& running) {
    const std::string value = variable_of(pid, kVariable);
    const std::string mine = std::to_string(::getpid()) + "-";
    std::uint64_t serial = 0;
    if (value.starts_with(mine) &&
        std::from_chars(value.data() + mine.size(), value.data() + value.size(), serial).ec ==
            std::errc()) {
        return running.contains(serial);
    }
    if (running.empty()) {
        return false;
    }
    const std::uint64_t youngest = seen_.try_emplace(pid, running.rbegin()->first).first->second;
    return running.begin()->first <= youngest;
}

}  // namespace drainpipe
