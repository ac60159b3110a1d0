#include "zombie_watch.hpp"

#include "fault.hpp"

namespace soak {
namespace {

using namespace std::chrono_literals;

constexpr auto kBetweenZombieLooks = 100ms;
constexpr auto kLongestZombie = 2s;

}  // namespace

void ZombieWatch::look_after() {
    const auto now = Clock::now();
    if (now < next_look_) return;
    next_look_ = now + kBetweenZombieLooks;
    const auto zombies = census_.zombies();
    std::erase_if(since_, [&](const auto& each) { return !zombies.contains(each.first); });
    for (const pid_t pid : zombies) {
        const auto since = since_.try_emplace(pid, now).first->second;
        if (now > since + kLongestZombie) {
            throw Fault("pid " + std::to_string(pid) + " is a zombie for over 2 s");
        }
    }
}

}  // namespace soak
