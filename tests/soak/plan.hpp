#pragma once

// What one round is going to be: the launcher's flags, how much work there is, and how rough it
// gets.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dice.hpp"
#include "errands.hpp"

namespace soak {

struct Plan {
    std::uint64_t max_demand;
    std::vector<std::string> flags;  // as the launcher takes them
    std::chrono::milliseconds grace;
    std::uint64_t events;  // how many the clients will try to get in, all together
    int deeds;             // how many deeds the round has
    unsigned consumers;    // at most; their number changes where there are several
    bool is_broadcast;     // every consumer gets every event, and their number stays as it is
    bool has_keys;         // a client's prefix is the key of its events
    std::optional<Errands> errands;  // who works on the events; nobody: they are printed
    bool is_quiet;                   // nothing is killed: stops, hangups and polite ends only

    // The work of a round takes a second or two at most on an idle machine: one stop may not have
    // the time for all of it, a few have.
    static Plan draw(Dice& dice);

    // Whether the events of a client with that prefix come in its order.
    [[nodiscard]] bool keeps_order_of(std::string_view prefix) const {
        return consumers == 1 || is_broadcast || (has_keys && !prefix.empty());
    }

    // How often each event is put out where nothing is killed.
    [[nodiscard]] std::uint64_t copies() const { return is_broadcast ? consumers : 1; }

    // Who works on the events: prints, commands, workers or stages.
    [[nodiscard]] std::string kind() const;

    [[nodiscard]] std::string describe() const;

  private:
    static Plan draw_errands(Dice& dice);
    static Plan draw_prints(Dice& dice);
};

}  // namespace soak
