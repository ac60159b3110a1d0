#include "recoveries.hpp"

#include <algorithm>

#include "fault.hpp"

namespace soak {
namespace {

using namespace std::chrono_literals;

// 2 s from when it is due; the fifth death in ten seconds makes that 200 ms later.
constexpr auto kLongest = 2200ms;
// A stage that is asked to leave finishes its chunk before.
constexpr auto kMaxChunk = 3s;

}  // namespace

void Recoveries::await(const std::string& role, pid_t dead) {
    forget(role);
    const auto now = Clock::now();
    waiters_.push_back({role, dead, now, now, false});
}

void Recoveries::forget(const std::string& role) {
    std::erase_if(waiters_, [&](const Awaited& each) { return each.role == role; });
}

void Recoveries::suspend() {
    for (auto& awaited : waiters_) awaited.since = awaited.asked_at = Clock::now();
}

void Recoveries::look_after() {
    if (waiters_.empty()) return;
    const auto members = census_.members();
    std::erase_if(waiters_, [&](Awaited& each) { return look_at(each, members); });
}

bool Recoveries::look_at(Awaited& awaited, const std::vector<Member>& members) {
    const auto now = Clock::now();
    const auto runs = [&](pid_t pid) {
        return std::ranges::any_of(members, [pid](const Member& each) { return each.pid == pid; });
    };
    if (!awaited.is_dead && runs(awaited.dead)) {
        if (now > awaited.asked_at + kMaxChunk) {
            throw Fault("hang: " + awaited.role + " pid=" + std::to_string(awaited.dead) +
                        " still runs 3 s after it was sent its end");
        }
        awaited.since = now;
        return false;
    }
    awaited.is_dead = true;
    const auto successor = std::ranges::find_if(members, [&](const Member& each) {
        return each.role == awaited.role && each.pid != awaited.dead;
    });
    if (successor != members.end() && has_mapped(successor->pid, room_.segment().string())) {
        totals_.note_recovery(
            std::chrono::duration_cast<std::chrono::milliseconds>(now - awaited.since));
        return true;
    }
    if (now > awaited.since + kLongest) {
        throw Fault("hang: no other " + awaited.role + " works 2.2 s after the death of pid " +
                    std::to_string(awaited.dead));
    }
    return false;
}

}  // namespace soak
