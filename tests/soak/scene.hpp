#pragma once

// What can be done in a round, and what is watched all the while: one launcher at a time, its
// stages, who sleeps, whose replacement is due, whether an end came in time and for a cause. Every
// call that lets time pass throws Fault as soon as a promise is broken, so that nothing hangs.

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "census.hpp"
#include "harness/process.hpp"
#include "interruption.hpp"
#include "plan.hpp"
#include "recoveries.hpp"
#include "room.hpp"
#include "run.hpp"
#include "sleepers.hpp"
#include "story.hpp"
#include "totals.hpp"
#include "zombie_watch.hpp"

namespace soak {

class Scene {
  public:
    using Clock = std::chrono::steady_clock;

    Scene(Room& room, const Plan& plan, Story& story, Totals& totals,
          const Interruption& interruption);

    // Starts a launcher. Requires that none is up.
    void launch();
    // Until it is ready or has ended.
    void await_ready();
    void await_ending();
    void pass(Clock::duration duration);
    // True from a launch until the launcher's end is seen.
    [[nodiscard]] bool is_up() const { return run_.has_value(); }
    [[nodiscard]] bool is_stop_asked() const { return run_ && run_->stop_asked_at(); }

    // To launcher, producer, consumer, or consumer.2 and so on; nothing happens where there is
    // none.
    void strike(const std::string& role, int signal);
    void strike_all();
    // To one of those that work for the consumers.
    void strike_errand(std::size_t which);
    void strike_errands();
    void halt(const std::string& role, Clock::duration duration);
    void wake_all() { sleepers_.wake_all(); }
    // SIGTERM to a stage alone.
    void send_off(const std::string& role);
    void hang_up();
    // Asks the launcher for another number of consumers, and doesn't wait for it.
    void scale(unsigned consumers);
    void ask_to_stop(int signal);

    // How many starts there were, and the exit code of the last one that ended.
    [[nodiscard]] int starts() const { return starts_; }
    [[nodiscard]] int last_code() const { return last_code_; }
    // Whether nothing was left then.
    [[nodiscard]] bool is_all_settled() const { return last_code_ == 0 || last_code_ == 65; }
    // How many events it had done, by its summary.
    [[nodiscard]] std::uint64_t last_done() const { return last_done_; }
    // Whether anything died that may have had events in flight.
    [[nodiscard]] bool had_kills() const { return had_kills_; }
    // Whether a stage alone was asked to leave.
    [[nodiscard]] bool had_send_offs() const { return had_send_offs_; }
    // All that was sent: whom and what.
    [[nodiscard]] const std::set<std::pair<pid_t, int>>& sent() const { return sent_; }

  private:
    [[nodiscard]] std::optional<pid_t> find(const std::string& role) const;
    // Whether there is to be such a stage, whatever number of consumers is asked for and whatever
    // errands do to them.
    [[nodiscard]] bool is_lasting(const std::string& role) const;
    void send(const std::string& role, pid_t pid, int signal);
    void look_after();
    void look_after_run();
    void bury_run(int code);
    void require_clean_end(int code) const;
    [[nodiscard]] Clock::time_point latest_ready() const;
    [[nodiscard]] Clock::time_point latest_ending() const;

    Room& room_;
    const Plan& plan_;
    Story& story_;
    Totals& totals_;
    const Interruption& interruption_;
    const Census census_;
    Sleepers sleepers_;
    Recoveries recoveries_;
    ZombieWatch zombies_;
    const Clock::time_point began_at_ = Clock::now();
    std::optional<Run> run_;
    std::optional<Clock::time_point> died_at_;  // the last launcher, if it was killed
    Clock::time_point launcher_slept_{};        // when the launcher last did
    bool is_ready_ = false;
    int starts_ = 0;
    int last_code_ = 0;
    std::uint64_t last_done_ = 0;
    bool had_kills_ = false;
    bool had_send_offs_ = false;
    std::set<std::pair<pid_t, int>> sent_;
    std::vector<harness::Process> scalings_;
};

}  // namespace soak
