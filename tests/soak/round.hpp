#pragma once

// One round: a pipeline of its own, clients, and deeds drawn by chance; then a clean stop and the
// account of it all.

#include <chrono>
#include <string>

#include "crowd.hpp"
#include "dice.hpp"
#include "interruption.hpp"
#include "plan.hpp"
#include "room.hpp"
#include "round_audit.hpp"
#include "scene.hpp"
#include "story.hpp"
#include "totals.hpp"

namespace soak {

class Round {
  public:
    Round(Room& room, const Plan& plan, Dice& dice, Story& story, Totals& totals,
          const Interruption& interruption);

    // Plays it and audits it. Throws Fault.
    void play();

  private:
    void act();
    void act_politely();
    void act_roughly();
    void strike_one();
    void strike_errand();
    void strike_all();
    void halt_one();
    void send_off_one();
    void strike_in_drain();
    void stop_and_perhaps_wait();
    void start_again();
    void finish();
    void audit(const std::vector<Receipt>& receipts);
    void audit_errands(const std::vector<Receipt>& receipts);
    // Up to a clean exit; what a deadline or a death too many left is done by the next start.
    void stop_for_good();
    [[nodiscard]] std::string any_role();
    [[nodiscard]] std::string any_stage();
    std::string any_consumer();
    void scale();

    Room& room_;
    const Plan& plan_;
    Dice& dice_;
    Totals& totals_;
    Scene scene_;
    Crowd crowd_;
};

}  // namespace soak
