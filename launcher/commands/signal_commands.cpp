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

// Between two looks at a launcher whose death can't be waited for.
constexpr std::chrono::duration<int, std::milli> kBetweenLooksAtLauncher{50};

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

ExitCode await_end(const RunningLauncher& launcher, const Descriptor& signals) {
    while (!has_ended(launcher)) {
        std::array<pollfd, 2> waits{{{launcher.death_fd(), POLLIN, 0}, {signals.get(), POLLIN, 0}}};
        ::poll(waits.data(), waits.size(),
               launcher.death_fd() < 0 ? kBetweenLooksAtLauncher.count() : -1);
        const int signal = take_signal(signals);
        if (is_stop_request(signal)) {
            throw Failure(static_cast<ExitCode>(128 + signal),
                          "stopped waiting by " + signal_name(signal) + "; " +
                              launcher.address().describe() + " goes on with its stop");
        }
    }
    if (const std::optional<int> code = launcher.noted_end()) {
        return static_cast<ExitCode>(*code);
    }
    throw Failure(ExitCode::software, "the launcher of " + launcher.address().describe() +
                                          " ended without a summary: it was killed, or never got "
                                          "ready; its log tells more");
}

}  // namespace

ExitCode stop_pipeline(const Address& address, bool waits, const Descriptor& signals) {
    const RunningLauncher launcher = require_launcher(address);
    launcher.signal(SIGTERM, "stop");
    return waits ? await_end(launcher, signals) : ExitCode::done;
}

ExitCode reload_pipeline(const Address& address) {
    require_launcher(address).signal(SIGHUP, "reload");
    return ExitCode::done;
}

}  // namespace drainpipe
