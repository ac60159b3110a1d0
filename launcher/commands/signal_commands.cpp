#include "signal_commands.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <optional>
#include <utility>

#include "running_launcher.hpp"
#include "signals.hpp"

namespace drainpipe {
namespace {

// Between two looks at a launcher whose death can't be waited for, or that has no segment yet.
constexpr std::chrono::duration<int, std::milli> kBetweenLooks{50};

RunningLauncher require_launcher(const Address& address) {
    std::optional<RunningLauncher> launcher = RunningLauncher::find(address);
    if (!launcher) {
        address.fail_not_running();
    }
    return std::move(*launcher);
}

bool has_ended(const RunningLauncher& launcher) {
    pollfd death{launcher.death_fd(), POLLIN, 0};
    return launcher.death_fd() < 0 ? !launcher.is_there() : ::poll(&death, 1, 0) > 0;
}

// What the launcher has written into the segment just before its end: the mapping outlives it.
ExitCode exit_code_of(const Address& address, const std::optional<Gauge>& gauge) {
    const std::uint32_t ended_with = gauge ? gauge->header().supervision.ended_with.load() : 0;
    if (ended_with > 0) {
        return static_cast<ExitCode>(ended_with - 1);
    }
    throw Failure(ExitCode::software, "the launcher of " + address.describe() +
                                          " ended without a summary: it was killed, or never got "
                                          "ready; its log tells more");
}

ExitCode await_end(const RunningLauncher& launcher, std::optional<Gauge> gauge,
                   const Descriptor& signals) {
    while (!has_ended(launcher)) {
        std::array<pollfd, 2> waits{{{launcher.death_fd(), POLLIN, 0}, {signals.get(), POLLIN, 0}}};
        const bool has_to_look = !gauge || launcher.death_fd() < 0;
        ::poll(waits.data(), waits.size(), has_to_look ? kBetweenLooks.count() : -1);
        const int signal = take_signal(signals);
        if (is_stop_request(signal)) {
            throw Failure(static_cast<ExitCode>(128 + signal),
                          "stopped waiting by " + signal_name(signal) + "; " +
                              launcher.address().describe() + " goes on with its stop");
        }
        if (!gauge && !has_ended(launcher)) {
            gauge = launcher.open_gauge();
        }
    }
    return exit_code_of(launcher.address(), gauge);
}

}  // namespace

ExitCode stop_pipeline(const Address& address, bool waits, const Descriptor& signals) {
    const RunningLauncher launcher = require_launcher(address);
    std::optional<Gauge> gauge = launcher.open_gauge();  // the name may be gone in a moment
    launcher.signal(SIGTERM, "stop");
    return waits ? await_end(launcher, std::move(gauge), signals) : ExitCode::done;
}

ExitCode reload_pipeline(const Address& address) {
    require_launcher(address).signal(SIGHUP, "reload");
    return ExitCode::done;
}

}  // namespace drainpipe
