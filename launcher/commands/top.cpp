#include "top.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <optional>
#include <string>
#include <vector>

#include "answer.hpp"
#include "running_launcher.hpp"
#include "screen.hpp"
#include "signals.hpp"
#include "status_of.hpp"
#include "status_screen.hpp"
#include "terminal.hpp"

namespace drainpipe {
namespace {

// Often enough for a person.
constexpr std::chrono::duration<int, std::milli> kRedrawInterval{250};

// Waits for so long at most, or for a key or a signal; whether to go on.
bool wait_for_user(const Descriptor& signals) {
    std::array<pollfd, 2> waits{{{STDIN_FILENO, POLLIN, 0}, {signals.get(), POLLIN, 0}}};
    ::poll(waits.data(), waits.size(), kRedrawInterval.count());
    if (is_stop_request(take_signal(signals))) {
        return false;
    }
    if (waits[0].revents == 0) {
        return true;
    }
    std::array<char, 64> keys;
    const ssize_t count = ::read(STDIN_FILENO, keys.data(), keys.size());
    const auto end = keys.begin() + std::max<ssize_t>(count, 0);
    constexpr char kInterrupt = 3;  // ^C
    return count > 0 && std::none_of(keys.begin(), end, [](char key) {
               return key == 'q' || key == 'Q' || key == kInterrupt;
           });
}

}  // namespace

ExitCode show_top(const Address& address, const Descriptor& signals) {
    if (::isatty(STDIN_FILENO) != 1 || !Terminal(STDOUT_FILENO).can_redraw()) {
        throw Failure(ExitCode::usage,
                      "top needs a terminal that can move its cursor; 'status' and 'status --json' "
                      "print the same once");
    }
    const std::optional<RunningLauncher> launcher = RunningLauncher::find(address);
    const std::optional<Gauge> gauge = launcher ? launcher->open_gauge() : std::nullopt;
    if (!gauge) {
        address.fail_not_running();
    }
    {
        Screen screen(STDOUT_FILENO);
        do {
            std::vector<std::string> lines =
                screen_of(status_of(launcher->address().name(), gauge->front()));
            lines.insert(lines.begin() + 1, "q leaves");
            screen.show(lines);
        } while (wait_for_user(signals) && launcher->is_there());
    }
    if (!launcher->is_there()) {
        print_answer(launcher->address().describe() + " has ended\n");
    }
    return ExitCode::done;
}

}  // namespace drainpipe
