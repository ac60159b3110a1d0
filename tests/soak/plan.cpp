#include "plan.hpp"

namespace soak {
namespace {

// Work on one event: the flag, its cost as measured (a nap is never shorter than the timer's
// slack), and how many events of that kind a round may have.
struct Work {
    std::string delay;
    std::uint64_t longest_demand;
    std::uint64_t most_events;
};

const std::vector<Work>& works() {
    static const std::vector<Work> kWorks{
        {"0", 5000, 60'000},  {"0", 5000, 60'000},    {"0", 5000, 150'000},  {"0", 5000, 150'000},
        {"0", 5000, 150'000}, {"20us", 5000, 20'000}, {"200us", 1000, 6000}, {"1ms", 100, 1500}};
    return kWorks;
}

std::uint64_t draw_demand(Dice& dice, std::uint64_t longest) {
    const auto demand = dice.pick<std::uint64_t>({1, 2, 10, 100, 1000, 5000});
    return demand > longest ? longest : demand;
}

void add(std::vector<std::string>& flags, const std::string& flag, const std::string& value) {
    flags.push_back(flag + "=" + value);
}

std::uint64_t draw_events(Dice& dice, Errands::Kind kind) {
    switch (kind) {
        case Errands::Kind::command:
            return dice.between<std::uint64_t>(20, 200);
        case Errands::Kind::worker:
            return dice.between<std::uint64_t>(50, 1000);
        default:
            return dice.between<std::uint64_t>(100, 4000);
    }
}

// A client's prefix.
void add_keys(std::vector<std::string>& flags) {
    add(flags, "--partition-by", "1");
    add(flags, "--partition-delimiter", "-");
}

}  // namespace

Plan Plan::draw(Dice& dice) { return dice.chance(20) ? draw_errands(dice) : draw_prints(dice); }

Plan Plan::draw_errands(Dice& dice) {
    Plan plan{};
    plan.grace = std::chrono::milliseconds{dice.pick<int>({1000, 1500, 2000, 3000})};
    plan.is_quiet = dice.chance(15);
    plan.errands = Errands::draw(dice, plan.is_quiet);
    plan.flags = plan.errands->flags;
    plan.events = draw_events(dice, plan.errands->kind);
    plan.deeds = dice.between(3, 8);
    add(plan.flags, "--grace", std::to_string(plan.grace.count()) + "ms");
    if (plan.errands->has_processes() && dice.chance(40)) {
        plan.max_demand = dice.pick<std::uint64_t>({1, 2, 10, 100});
        add(plan.flags, "--max-demand", std::to_string(plan.max_demand));
    }
    if (dice.chance(40)) add(plan.flags, "--capacity", dice.pick<std::string>({"16", "200"}));
    plan.consumers = dice.between(1u, 3u);
    if (plan.consumers > 1) add(plan.flags, "--consumers", std::to_string(plan.consumers));
    plan.has_keys = dice.chance(35);
    if (plan.has_keys) add_keys(plan.flags);
    return plan;
}

Plan Plan::draw_prints(Dice& dice) {
    Plan plan{};
    const auto& work = dice.pick(works());
    plan.max_demand = draw_demand(dice, work.longest_demand);
    plan.grace = std::chrono::milliseconds{dice.pick<int>({1000, 1500, 2000, 3000})};
    // One event at a time costs a write of output and log for each.
    const auto most =
        plan.max_demand <= 2 ? std::min<std::uint64_t>(20'000, work.most_events) : work.most_events;
    plan.events = dice.between(most / 10 + 1, most);
    plan.deeds = dice.between(3, 12);
    plan.is_quiet = dice.chance(15);

    add(plan.flags, "--event-delay", work.delay);
    add(plan.flags, "--grace", std::to_string(plan.grace.count()) + "ms");
    add(plan.flags, "--max-demand", std::to_string(plan.max_demand));
    if (dice.chance(60)) {
        add(plan.flags, "--min-demand",
            std::to_string(dice.between<std::uint64_t>(0, plan.max_demand - 1)));
    }
    if (dice.chance(60))
        add(plan.flags, "--capacity", dice.pick<std::string>({"16", "200", "3000"}));
    if (dice.chance(40))
        add(plan.flags, "--buffer-size", dice.pick<std::string>({"4K", "64K", "1M"}));
    plan.consumers = dice.chance(40) ? 1 : dice.between(2u, 5u);
    if (plan.consumers > 1) add(plan.flags, "--consumers", std::to_string(plan.consumers));
    plan.is_broadcast = plan.consumers > 1 && dice.chance(15);
    plan.has_keys = !plan.is_broadcast && dice.chance(35);
    if (plan.is_broadcast) {
        add(plan.flags, "--dispatch", "broadcast");
        plan.events = plan.events / plan.consumers + 1;
    }
    if (plan.has_keys) add_keys(plan.flags);
    return plan;
}

std::string Plan::kind() const {
    if (!errands) return "prints";
    switch (errands->kind) {
        case Errands::Kind::command:
            return "commands";
        case Errands::Kind::worker:
            return "workers";
        default:
            return "stages";
    }
}

std::string Plan::describe() const {
    std::string words = is_quiet ? "quiet, " : "rough, ";
    if (errands && errands->is_async) words += "async ";
    words += kind();
    if (errands && errands->most_in_call > 0) {
        words += " of batches up to " + std::to_string(errands->most_in_call);
    }
    for (const auto& flag : flags) words += " " + flag;
    return words + ", " + std::to_string(events) + " events at most";
}

}  // namespace soak
