#include "status_command.hpp"

#include <nlohmann/json.hpp>
#include <string>

#include "answer.hpp"
#include "inspection.hpp"
#include "running_launcher.hpp"
#include "status_json.hpp"
#include "status_of.hpp"
#include "status_screen.hpp"

namespace drainpipe {
namespace {

// The answer where none runs: for scripts on standard output, for people in the failure.
[[noreturn]] void tell_not_running(const Address& address, bool as_json) {
    const std::string name = address.name();
    const std::string path = segment_path(name);
    const std::optional<Account> account = account_of_left(address);
    const std::uint64_t left = account ? account->left : 0;
    const nlohmann::ordered_json json{
        {"name", name}, {"state", "not running"}, {"left", left}, {"segment", path}};
    print_answer(as_json ? json.dump() + "\n"
                         : "not running name=" + name + " left=" + std::to_string(left) +
                               " segment=" + path + "\n");
    const std::string what = left > 0
                                 ? "an earlier run left " + std::to_string(left) + " events in " +
                                       path + ": the next start delivers them first"
                                 : "nothing is left of an earlier run";
    throw Failure(ExitCode::unavailable, "no " + address.describe() + " is running; " + what);
}

}  // namespace

ExitCode print_status(const Address& address, bool as_json) {
    const std::optional<RunningLauncher> launcher = RunningLauncher::find(address);
    const std::optional<Gauge> gauge = launcher ? launcher->open_gauge() : std::nullopt;
    if (!gauge) {
        tell_not_running(launcher ? launcher->address() : address, as_json);
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
