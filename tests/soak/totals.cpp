#include "totals.hpp"

#include <algorithm>

namespace soak {

void Totals::count_round(bool is_quiet) {
    ++rounds_;
    if (is_quiet) ++quiet_rounds_;
}

void Totals::count_events(std::uint64_t events, std::uint64_t repeats, std::uint64_t marked) {
    events_ += events;
    repeats_ += repeats;
    marked_ += marked;
}

void Totals::note_recovery(std::chrono::milliseconds duration) {
    ++recoveries_;
    slowest_recovery_ = std::max(slowest_recovery_, duration);
}

void Totals::note_takeover(std::chrono::milliseconds duration) {
    ++takeovers_;
    slowest_takeover_ = std::max(slowest_takeover_, duration);
}

void Totals::note_stop(std::chrono::milliseconds duration) {
    slowest_stop_ = std::max(slowest_stop_, duration);
}

std::string Totals::describe() const {
    const auto line = [](const std::string& name, const std::string& value) {
        return name + std::string(name.size() < 28 ? 28 - name.size() : 1, ' ') + value + "\n";
    };
    const auto number = [](auto value) { return std::to_string(value); };
    const auto time = [](std::chrono::milliseconds value) {
        return std::to_string(value.count()) + "ms";
    };
    std::string words = line("rounds", number(rounds_) + ", " + number(quiet_rounds_) + " quiet");
    for (const auto& [deed, count] : deeds_) words += line(deed, number(count));
    words += line("events accepted", number(events_));
    words += line("events put out again", number(repeats_));
    words += line("records marked as repeats", number(marked_));
    words += line("dead letters", number(letters_));
    words += line("slowest recovery", time(slowest_recovery_) + " of " + number(recoveries_));
    words += line("slowest takeover",
                  time(slowest_takeover_) + " from start to ready, of " + number(takeovers_));
    words += line("slowest stop", time(slowest_stop_));
    return words;
}

}  // namespace soak
