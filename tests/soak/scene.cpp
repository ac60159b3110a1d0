#include "scene.hpp"

#include <signal.h>

#include <algorithm>

#include "fault.hpp"
#include "harness/await.hpp"

namespace soak {
namespace {

using namespace std::chrono_literals;

constexpr auto kTick = 3ms;
constexpr auto kMaxRound = 60s;
// Beyond the grace time: for a stop, and for a start that may have to wait for orphans.
constexpr auto kBeyondStop = 2s;
constexpr auto kBeyondStart = 4s;

std::chrono::milliseconds in_milliseconds(Scene::Clock::duration duration) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(duration);
}

}  // namespace

Scene::Scene(Room& room, const Plan& plan, Story& story, Totals& totals,
             const Interruption& interruption)
    : room_(room),
      plan_(plan),
      story_(story),
      totals_(totals),
      interruption_(interruption),
      census_(room.name()),
      sleepers_(story),
      recoveries_(room, census_, totals),
      zombies_(census_) {}

void Scene::launch() {
    run_.emplace(room_, plan_);
    ++starts_;
    is_ready_ = false;
    story_.tell("start of launcher pid=" + std::to_string(run_->pid()));
    totals_.count("starts");
}

void Scene::await_ready() {
    while (is_up() && !is_ready_) pass(kTick);
}

void Scene::await_ending() {
    while (is_up()) pass(kTick);
}

void Scene::pass(Clock::duration duration) {
    const auto until = Clock::now() + duration;
    do {
        look_after();
        harness::let_pass(std::clamp<Clock::duration>(until - Clock::now(), 0ms, kTick));
    } while (Clock::now() < until);
}

void Scene::look_after() {
    interruption_.check();
    if (Clock::now() > began_at_ + kMaxRound) throw Fault("hang: the round lasts over a minute");
    sleepers_.look_after();
    if (is_up()) look_after_run();
    if (is_up() && sleepers_.has(run_->pid())) {
        launcher_slept_ = Clock::now();
        recoveries_.suspend();
    }
    // A stopped stage may hold what another one waits for.
    if (!sleepers_.is_empty()) {
        recoveries_.suspend();
        zombies_.suspend();
    }
    recoveries_.look_after();
    zombies_.look_after();
}

void Scene::look_after_run() {
    if (const auto code = run_->ending()) {
        bury_run(*code);
        return;
    }
    if (!is_ready_ && run_->is_ready()) {
        is_ready_ = true;
        story_.tell("launcher pid=" + std::to_string(run_->pid()) + " is ready");
        // The time that a stage lay stopped before it could leave is ours.
        const auto since = std::max(run_->started_at(), sleepers_.last_slept());
        if (died_at_) totals_.note_takeover(in_milliseconds(Clock::now() - since));
        died_at_.reset();
    }
    if (run_->is_stopping()) recoveries_.forget_all();
    if (!is_ready_ && !run_->is_stopping() && Clock::now() > latest_ready()) {
        throw Fault("hang: the launcher is not ready in time; it said:\n" + run_->errors());
    }
    if (run_->stop_asked_at() && Clock::now() > latest_ending()) {
        throw Fault("hang: the launcher has not left 2 s after the grace time; it said:\n" +
                    run_->errors());
    }
}

Scene::Clock::time_point Scene::latest_ready() const {
    return std::max(run_->started_at(), launcher_slept_) + plan_.grace + kBeyondStart;
}

Scene::Clock::time_point Scene::latest_ending() const {
    return std::max(*run_->stop_asked_at(), launcher_slept_) + plan_.grace + kBeyondStop;
}

void Scene::bury_run(int code) {
    story_.tell("launcher pid=" + std::to_string(run_->pid()) + " ended with " +
                std::to_string(code));
    totals_.count("exit " + std::to_string(code));
    recoveries_.forget_all();
    last_code_ = code;
    last_done_ = run_->in_summary("accepted").value_or(0) - run_->in_summary("left").value_or(0);
    const bool orphan_slept = sleepers_.last_slept() > run_->started_at() ||
                              (died_at_ && sleepers_.last_slept() > *died_at_);
    if (const auto fault = run_->fault(orphan_slept); !fault.empty()) throw Fault(fault);
    if (run_->was_killed()) {
        died_at_ = Clock::now();
    } else {
        died_at_.reset();
        if (code == 124 || code == 70) had_kills_ = true;  // what still ran was killed
        require_clean_end(code);
        if (const auto asked = run_->stop_asked_at()) {
            totals_.note_stop(in_milliseconds(Clock::now() - std::max(*asked, launcher_slept_)));
        }
    }
    run_.reset();
}

// Stages that an earlier launcher left behind may be on their last steps.
void Scene::require_clean_end(int code) const {
    const bool is_settled = code == 0 || code == 65;
    if (!is_settled && code != 70 && code != 124) return;
    const bool is_alone =
        harness::await([this] { return room_.running().empty() || !sleepers_.is_empty(); }, 100ms);
    const auto left = !is_alone ? room_.running() : is_settled ? room_.left_files() : "";
    if (!left.empty()) {
        throw Fault("after exit " + std::to_string(code) + " there is still: " + left);
    }
}

std::optional<pid_t> Scene::find(const std::string& role) const {
    if (role != "launcher") return census_.find(role);
    return is_up() ? std::optional(run_->pid()) : std::nullopt;
}

void Scene::send(const std::string& role, pid_t pid, int signal) {
    story_.tell(signal_name(signal) + " to " + role + " pid=" + std::to_string(pid));
    totals_.count(signal_name(signal) + " to " + role);
    sent_.emplace(pid, signal);
    if (role == "launcher") {
        run_->send(signal);
    } else {
        ::kill(pid, signal);
    }
}

void Scene::strike(const std::string& role, int signal) {
    const auto pid = find(role);
    if (!pid) return;
    if (role != "producer") had_kills_ = true;
    send(role, *pid, signal);
    if (role == "launcher") {
        recoveries_.forget_all();
    } else if (is_lasting(role) && is_up() && is_ready_ && !is_stop_asked() &&
               !run_->is_stopping()) {
        recoveries_.await(role, *pid);
    }
}

void Scene::strike_all() {
    had_kills_ = true;
    recoveries_.forget_all();
    const auto stages = census_.members();
    if (const auto launcher = find("launcher")) send("launcher", *launcher, SIGKILL);
    for (const auto& [pid, role] : stages) {
        const bool is_stage = role == "producer" || role.starts_with("consumer");
        if (is_stage) send(role, pid, SIGKILL);
    }
}

void Scene::strike_errand(std::size_t which) {
    const auto errands = census_.errands();
    if (errands.empty()) return;
    const auto pid = errands[which % errands.size()];
    story_.tell("SIGKILL to errand pid=" + std::to_string(pid));
    totals_.count("SIGKILL to errand");
    ::kill(pid, SIGKILL);
}

void Scene::strike_errands() {
    for (const pid_t pid : census_.errands()) ::kill(pid, SIGKILL);
}

bool Scene::is_lasting(const std::string& role) const {
    const bool is_mortal = role == "consumer" && plan_.errands && plan_.errands->may_end_consumer();
    return role.find('.') == std::string::npos && !is_mortal;
}

void Scene::halt(const std::string& role, Clock::duration duration) {
    const auto pid = find(role);
    if (!pid || sleepers_.has(*pid)) return;
    recoveries_.forget(role);
    totals_.count("SIGSTOP to " + role);
    sleepers_.halt(*pid, role, duration);
}

void Scene::send_off(const std::string& role) {
    const auto pid = find(role);
    if (!pid || !is_up()) return;
    had_send_offs_ = true;
    send(role, *pid, SIGTERM);
    if (is_lasting(role) && is_ready_ && !is_stop_asked() && !run_->is_stopping()) {
        recoveries_.await(role, *pid);
    }
}

void Scene::hang_up() {
    if (is_up() && is_ready_) send("launcher", run_->pid(), SIGHUP);
}

void Scene::scale(unsigned consumers) {
    if (!is_up() || !is_ready_) return;
    story_.tell("scale " + std::to_string(consumers));
    totals_.count("scale");
    scalings_.emplace_back(room_.command("launcher", {"scale", std::to_string(consumers)}));
}

void Scene::ask_to_stop(int signal) {
    if (!is_up()) return;
    if (signal == SIGQUIT) had_kills_ = true;
    recoveries_.forget_all();
    send("launcher", run_->pid(), signal);
}

}  // namespace soak
