// soak SECONDS: runs rounds for that long. DRAINPIPE_SOAK_SEED makes the chances those of an
// earlier soak; DRAINPIPE_SOAK_ONLY has rounds of one kind alone, as Plan::kind() names them;
// DRAINPIPE_PROGRAMS names another build's programs. Exits 0 when every promise held, 1 after the
// first one that did not.

#include <sys/resource.h>

#include <charconv>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string_view>

#include "dice.hpp"
#include "fault.hpp"
#include "harness/await.hpp"
#include "interruption.hpp"
#include "round.hpp"

namespace {

using namespace soak;

constexpr int kBroken = 1;
constexpr int kUsage = 64;

std::optional<std::uint64_t> parse(std::string_view text) {
    std::uint64_t number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool is_number = parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size();
    return is_number ? std::optional(number) : std::nullopt;
}

std::optional<std::uint64_t> choose_seed() {
    const char* const given = std::getenv("DRAINPIPE_SOAK_SEED");
    return given != nullptr ? parse(given) : std::random_device{}();
}

void report(const Fault& fault, std::uint64_t seed, const Plan& plan, const Story& story,
            const Room& room) {
    std::cout << "FAILED: " << fault.what() << "\n\nseed " << seed << ": " << plan.describe()
              << "\n\nwhat happened:\n";
    for (const auto& line : story.lines()) std::cout << "  " << line << "\n";
    std::cout << "\nwho is there:\n"
              << Census(room.name()).describe() << "\nkept: " << room.directory().string()
              << "\n\n";
}

// Nothing: rounds of all kinds.
std::string_view chosen_kind() {
    const char* const given = std::getenv("DRAINPIPE_SOAK_ONLY");
    return given != nullptr ? given : "";
}

bool is_kind(std::string_view kind) {
    return kind == "prints" || kind == "commands" || kind == "workers" || kind == "stages";
}

bool is_wanted(const Plan& plan) {
    const auto kind = chosen_kind();
    return kind.empty() || plan.kind() == kind;
}

// Each round has a seed of its own, so that a soak that begins with it begins with that round.
bool play_round(std::uint64_t seed, Totals& totals, const Interruption& interruption) {
    Dice dice(seed);
    const auto plan = Plan::draw(dice);
    if (!is_wanted(plan)) return true;
    Story story;
    Room room;
    try {
        Round(room, plan, dice, story, totals, interruption).play();
        totals.count_round(plan.is_quiet);
        return true;
    } catch (const Fault& fault) {
        room.keep();
        report(fault, seed, plan, story, room);
        return false;
    }
}

int soak_for(std::chrono::seconds duration, std::uint64_t seed) {
    const Interruption interruption;
    const harness::Stopwatch watch;
    Totals totals;
    int code = 0;
    try {
        for (auto round = seed; code == 0 && watch.elapsed() < duration; ++round) {
            if (!play_round(round, totals, interruption)) code = kBroken;
        }
    } catch (const Interrupted& interrupted) {
        std::cout << "interrupted" << std::endl;
        code = 128 + interrupted.signal();
    }
    std::cout << totals.describe() << std::flush;
    return code;
}

// A round dumps enough as it is.
void forbid_core_files() {
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
}

}  // namespace

int main(int argc, char** argv) {
    const auto seconds = argc == 2 ? parse(argv[1]) : std::nullopt;
    const auto seed = choose_seed();
    const auto kind = chosen_kind();
    if (!seconds || !seed || !(kind.empty() || is_kind(kind))) {
        std::cerr << "usage: soak SECONDS, with DRAINPIPE_SOAK_SEED unset or a number and "
                     "DRAINPIPE_SOAK_ONLY unset or prints, commands, workers or stages\n";
        return kUsage;
    }
    std::cout << "DRAINPIPE_SOAK_SEED=" << *seed << std::endl;
    try {
        forbid_core_files();
        return soak_for(std::chrono::seconds{*seconds}, *seed);
    } catch (const std::exception& error) {
        std::cerr << "soak: " << error.what() << "\n";
        return 71;
    }
}
