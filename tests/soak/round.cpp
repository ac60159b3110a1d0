#include "round.hpp"

#include <signal.h>

#include "errand_audit.hpp"
#include "fault.hpp"

namespace soak {

using namespace std::chrono_literals;

Round::Round(Room& room, const Plan& plan, Dice& dice, Story& story, Totals& totals,
             const Interruption& interruption)
    : room_(room),
      plan_(plan),
      dice_(dice),
      totals_(totals),
      scene_(room, plan, story, totals, interruption),
      crowd_(room, plan, dice, story) {}

void Round::play() {
    if (plan_.is_broadcast) totals_.count("broadcasts");
    totals_.count("rounds of " + plan_.kind());
    if (plan_.errands) plan_.errands->write_program(room_.directory());
    scene_.launch();
    if (!dice_.chance(20)) scene_.await_ready();
    crowd_.let_come();
    for (int deed = 0; deed < plan_.deeds; ++deed) {
        if (dice_.chance(50)) crowd_.let_come();
        scene_.pass(dice_.chance(30) ? dice_.moment(10ms) : dice_.moment(300ms));
        if (!scene_.is_up()) {
            start_again();
        } else {
            act();
        }
    }
    finish();
}

void Round::act() {
    if (plan_.is_quiet) {
        act_politely();
    } else {
        act_roughly();
    }
}

void Round::act_politely() {
    switch (dice_.between(1, 5)) {
        case 5:
            scale();
            break;
        case 1:
            scene_.halt(any_role(), dice_.moment(200ms));
            break;
        case 2:
            send_off_one();
            break;
        case 3:
            scene_.hang_up();
            break;
        default:
            crowd_.strike(SIGTERM);
    }
}

void Round::act_roughly() {
    if (plan_.errands && plan_.errands->has_processes() && dice_.chance(25)) {
        strike_errand();
        return;
    }
    const int lot = dice_.between(1, 100);
    if (lot <= 30) {
        strike_one();
    } else if (lot <= 37) {
        strike_all();
    } else if (lot <= 55) {
        halt_one();
    } else if (lot <= 64) {
        send_off_one();
    } else if (lot <= 70) {
        scene_.hang_up();
    } else if (lot <= 75) {
        scale();
    } else if (lot <= 78) {
        crowd_.strike(dice_.chance(50) ? SIGKILL : SIGTERM);
    } else if (lot <= 90) {
        strike_in_drain();
    } else {
        stop_and_perhaps_wait();
    }
}

std::string Round::any_role() { return dice_.chance(30) ? "launcher" : any_stage(); }

std::string Round::any_stage() { return dice_.chance(60) ? any_consumer() : "producer"; }

std::string Round::any_consumer() {
    const auto number = dice_.between(1u, plan_.consumers);
    return number == 1 ? "consumer" : "consumer." + std::to_string(number);
}

void Round::scale() {
    const bool is_fixed = plan_.consumers == 1 || plan_.is_broadcast;
    if (!is_fixed) scene_.scale(dice_.between(1u, plan_.consumers));
}

void Round::strike_one() { scene_.strike(any_role(), dice_.chance(75) ? SIGKILL : SIGSEGV); }

void Round::strike_errand() { scene_.strike_errand(dice_.between<std::size_t>(0, 1000)); }

void Round::strike_all() {
    const bool takes_errands = plan_.errands && dice_.chance(50);
    scene_.strike_all();
    if (takes_errands) scene_.strike_errands();
}

// Most wake soon, some only behind the deadline of a stop, which leaves no stage to be woken.
void Round::halt_one() {
    const bool is_short = dice_.chance(85);
    scene_.halt(any_role(), is_short ? Scene::Clock::duration(dice_.moment(300ms)) : 3500ms);
}

void Round::send_off_one() { scene_.send_off(any_stage()); }

void Round::stop_and_perhaps_wait() {
    scene_.ask_to_stop(dice_.pick<int>({SIGTERM, SIGTERM, SIGINT, SIGINT, SIGQUIT}));
    if (dice_.chance(25)) {
        scene_.pass(dice_.moment(100ms));
        scene_.ask_to_stop(dice_.pick<int>({SIGTERM, SIGINT, SIGINT}));
    }
    if (dice_.chance(60)) scene_.await_ending();
}

// Events pile up before a stopped consumer; then all goes into the drain, of a launcher or of what
// its death leaves behind, and somebody dies in the middle of it.
void Round::strike_in_drain() {
    if (dice_.chance(70)) {
        const auto spell = dice_.moment(100ms);
        scene_.halt(any_consumer(), spell);
        crowd_.let_come();
        scene_.pass(spell);
    }
    if (dice_.chance(50)) {
        scene_.ask_to_stop(SIGTERM);
    } else {
        scene_.strike("launcher", SIGKILL);
    }
    scene_.pass(dice_.moment(dice_.chance(50) ? 3ms : 30ms));
    scene_.strike(any_stage(), SIGKILL);
}

void Round::start_again() {
    scene_.launch();
    if (!dice_.chance(20)) scene_.await_ready();
}

void Round::finish() {
    scene_.wake_all();
    if (dice_.chance(40)) {
        if (!scene_.is_up()) start_again();
        for (int spell = 0; spell < 50 && !crowd_.is_done(); ++spell) scene_.pass(20ms);
    }
    stop_for_good();
    const auto receipts = crowd_.dismiss();
    if (plan_.errands) {
        audit_errands(receipts);
    } else {
        audit(receipts);
    }
}

void Round::audit(const std::vector<Receipt>& receipts) {
    const RoundAudit audit(
        room_, plan_, receipts,
        {scene_.starts(), scene_.had_kills(), scene_.had_send_offs(), scene_.sent()});
    if (!audit.fault().empty()) throw Fault(audit.fault());
    totals_.count_events(audit.events(), audit.repeats(), audit.marked());
}

void Round::audit_errands(const std::vector<Receipt>& receipts) {
    const ErrandAudit audit(room_, plan_, receipts, scene_.sent());
    if (!audit.fault().empty()) throw Fault(audit.fault());
    totals_.count_events(audit.events(), audit.repeats(), audit.marked());
    totals_.count_letters(audit.letters());
}

void Round::stop_for_good() {
    scene_.wake_all();
    if (scene_.is_stop_asked()) scene_.await_ending();
    const bool is_over = !scene_.is_up() && scene_.is_all_settled();
    if (is_over && dice_.chance(50)) return;
    for (auto spell = 0ms; true; spell += 200ms) {
        if (!scene_.is_up()) scene_.launch();
        scene_.await_ready();
        // A stop gives what has failed one more try, and one only.
        if (plan_.errands) scene_.pass(spell);
        scene_.ask_to_stop(SIGTERM);
        scene_.await_ending();
        if (scene_.is_all_settled()) return;
        if (scene_.last_code() == 124 && scene_.last_done() == 0 && !plan_.errands) {
            throw Fault("hang: nothing was done in all the grace time");
        }
    }
}

}  // namespace soak
