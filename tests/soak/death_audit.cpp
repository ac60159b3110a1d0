#include "death_audit.hpp"

#include <signal.h>

#include <algorithm>
#include <utility>

#include "story.hpp"

namespace soak {

using harness::number_of;
using harness::Record;
using harness::value_of;

namespace {

constexpr std::uint64_t kGivenUp = 70;

bool is_giving_up(const Record& record) {
    return record.message.find("died more than 5 times") != std::string_view::npos;
}

bool is_deadly(int signal) { return signal == SIGKILL || signal == SIGSEGV || signal == SIGABRT; }

bool is_killing(const Record& record) {
    return record.level == "warning" && record.message.ends_with("killing it");
}

}  // namespace

DeathAudit::DeathAudit(const harness::RecordLog& log, Signals sent)
    : log_(log), sent_(std::move(sent)) {
    for (const auto& record : log_.records()) {
        if (record.message.starts_with("child exited ")) check(record);
        if (record.level == "error" && !is_giving_up(record)) fail("an error: ", record);
    }
}

bool DeathAudit::was_killed(pid_t pid) const {
    const auto is_its_death = [pid](const auto& each) {
        return each.first == pid && is_deadly(each.second);
    };
    return std::ranges::any_of(sent_, is_its_death) || was_killed_by_launcher(pid);
}

std::uint64_t DeathAudit::kills() const {
    const auto ours =
        std::ranges::count_if(sent_, [](const auto& each) { return is_deadly(each.second); });
    const auto launchers = std::ranges::count_if(log_.records(), is_killing);
    return static_cast<std::uint64_t>(ours + launchers);
}

bool DeathAudit::was_killed_by_launcher(pid_t pid) const {
    const auto killing = " pid=" + std::to_string(pid) + " ";
    return std::ranges::any_of(log_.records(), [&](const Record& each) {
        return is_killing(each) && each.message.find(killing) != std::string_view::npos;
    });
}

bool DeathAudit::has_given_up(pid_t pid) const {
    return std::ranges::any_of(log_.records(), [pid](const Record& each) {
        return each.pid == pid && each.level == "error" && is_giving_up(each);
    });
}

void DeathAudit::check(const Record& death) {
    const auto pid = static_cast<pid_t>(number_of(death.message, "pid").value_or(0));
    const auto signal = value_of(death.message, "signal");
    if (!signal) {
        const auto status = number_of(death.message, "status");
        const bool is_told = status == kGivenUp && has_given_up(pid);
        if (status != 0 && !is_told) fail("a child failed: ", death);
        return;
    }
    const bool is_ours = std::ranges::any_of(sent_, [&](const auto& each) {
        return each.first == pid && signal_name(each.second) == *signal;
    });
    const bool is_launchers = *signal == "SIGKILL" && was_killed_by_launcher(pid);
    if (!is_ours && !is_launchers) fail("a death without a cause: ", death);
}

void DeathAudit::fail(const std::string& what, const Record& record) {
    if (!fault_.empty()) return;
    fault_ = "log: " + what + std::string(record.time) + " [" + std::to_string(record.pid) + "] " +
             std::string(record.message);
}

}  // namespace soak
