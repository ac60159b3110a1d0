#include "status_command.hpp"

#include <string>

#include "answer.hpp"
#include "inspection.hpp"
#include "json.hpp"
#include "running_launcher.hpp"
#include "status_json.hpp"
#include "status_of.hpp"
#include "status_screen.hpp"

namespace drainpipe {
namespace {

// The answer where there is nothing to show: for scripts on standard output, for people in the
// failure.
[[noreturn]] void tell(const Address& address, bool as_json, const std::string& state,
                       std::uint64_t left, const std::string& message) {
    const std::string path = segment_path(address.name());
    const Json json{{"name", address.name()}, {"state", state}, {"left", left}, {"segment", path}};
    print_answer(as_json ? json.dump() + "\n"
                         : state + " name=" + address.name() + " left=" + std::to_string(left) +
                               " segment=" + path + "\n");
    throw Failure(ExitCode::unavailable, message);
}

[[noreturn]] void tell_not_running(const Address& address, bool as_json) {
    const std::optional<Account> account = account_of_left(address);
    const std::uint64_t left = account ? account->left : 0;
    const std::string what = left > 0 ? "an earlier run left " + std::to_string(left) +
                                            " events in " + segment_path(address.name()) +
                                            ": the next start delivers them first"
                                      : "nothing is left of an earlier run";
    tell(address, as_json, "not running", left,
         "no " + address.describe() + " is running; " + what);
}

// It has the name, and no run: not yet, or its segment was taken away.
[[noreturn]] void tell_no_run(const RunningLauncher& launcher, bool as_json) {
    const std::optional<Account> account = account_of_left(launcher.address());
    tell(launcher.address(), as_json, "no run", account ? account->left : 0,
         launcher.address().describe() + " has a launcher, " + RoleLocks::describe(launcher.pid()) +
             ", and no run: it is starting, or its segment was removed while it ran");
}

}  // namespace

ExitCode print_status(const Address& address, bool as_json) {
    const std::optional<RunningLauncher> launcher = RunningLauncher::find(address);
    if (!launcher) {
        tell_not_running(address, as_json);
    }
    const std::optional<Gauge> gauge = launcher->open_gauge();
    if (!gauge) {
        tell_no_run(*launcher, as_json);
    }
    const Status status = status_of(address.name(), gauge->front());
    std::string answer;
    if (as_json) {
        answer = to_json(status) + "\n";
    } else {
        for (const std::string& line : screen_of(status)) {
            answer += line + "\n";
        }
    }
    print_answer(answer);
    return ExitCode::done;
}

}  // namespace drainpipe
