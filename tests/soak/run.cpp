#include "run.hpp"

#include <signal.h>

#include "harness/files.hpp"
#include "harness/record_log.hpp"
#include "story.hpp"

namespace soak {
namespace {

bool is_stop_request(int signal) {
    return signal == SIGTERM || signal == SIGINT || signal == SIGQUIT;
}

}  // namespace

Run::Run(Room& room, const Plan& plan) : plan_(plan) {
    auto flags = plan.flags;
    if (plan.errands) flags.push_back(plan.errands->flag(room.directory()));
    flags.push_back("--log-dir=" + room.log_file().parent_path().string());
    auto command = room.command("launcher", flags);
    command.output = room.output();
    command.errors = room.new_file("launcher-errors");
    started_at_ = Clock::now();
    process_.emplace(command);
}

void Run::send(int signal) {
    sent_.insert(signal);
    if (is_stop_request(signal) && !stop_asked_at_) stop_asked_at_ = Clock::now();
    process_->send(signal);
}

std::optional<int> Run::ending() {
    const int code = process_->wait(std::chrono::milliseconds{0});
    if (code == harness::Process::kStillRunning) return std::nullopt;
    if (!ended_at_) ended_at_ = Clock::now();
    return code;
}

bool Run::was_killed() {
    const auto code = ending();
    return (code == 128 + SIGKILL && sent_.contains(SIGKILL)) ||
           (code == 128 + SIGSEGV && sent_.contains(SIGSEGV));
}

bool Run::has_said(std::string_view words) const {
    const auto text = errors();
    return text.starts_with(words) || text.find("\n" + std::string(words)) != std::string::npos;
}

std::optional<std::uint64_t> Run::in_summary(std::string_view key) const {
    const auto text = errors();
    for (const auto line : harness::lines_of(text)) {
        if (line.starts_with("launcher: summary ")) return harness::number_of(line, key);
    }
    return std::nullopt;
}

bool Run::is_forced() const { return sent_.contains(SIGQUIT) || sent_.count(SIGINT) > 1; }

std::string Run::fault(bool orphan_slept) {
    const int code = ending().value();
    if (was_killed()) return {};
    const auto what = fault_of_code(code, orphan_slept);
    return what.empty() ? what
                        : "the launcher ended with " + std::to_string(code) + ": " + what +
                              "; it said:\n" + errors();
}

std::string Run::fault_of_code(int code, bool orphan_slept) const {
    const auto left = in_summary("left");
    const bool was_asked = stop_asked_at_.has_value();
    if (code > 128 && is_stop_request(code - 128)) {
        const bool is_too_early_to_heed = sent_.contains(code - 128) && errors().empty();
        return is_too_early_to_heed ? "" : "a stop request killed it";
    }
    if (code == 75 && has_said("launcher: waiting for pid") && (was_asked || orphan_slept))
        return {};
    if (!left) return "no summary";
    if (code == 70) {
        const bool is_told = errors().find("died more than 5 times") != std::string::npos;
        return is_told ? "" : "no child died too often";
    }
    if (!was_asked) return "nobody asked it to";
    if (code == 0 || code == 65) {
        if (*left > 0) return "events are left";
        const bool has_dead = in_summary("dead").value_or(0) > 0;
        return has_dead == (code == 65) ? "" : "it does not tell of dead letters";
    }
    if (code != 124) return "no such code for a stop";
    if (*left == 0) return "nothing is left";
    const bool was_late = *ended_at_ - *stop_asked_at_ >= plan_.grace;
    // What has failed in the drain is left for the next start.
    return was_late || is_forced() || plan_.errands ? "" : "the deadline had not come";
}

}  // namespace soak
