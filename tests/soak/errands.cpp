#include "errands.hpp"

#include <sys/stat.h>

#include <sstream>

#include "harness/files.hpp"
#include "harness/programs.hpp"

namespace soak {
namespace {

// `lot` is the same for the same event and attempt. The consumer is looked at before it is killed:
// a parent that has died is another process by then.
constexpr const char* kCommonPart = R"(
draw() {
    x=$((($1 * 7919 + $2 * 104729 + seed) % 2147483647))
    x=$((x * 48271 % 2147483647))
    lot=$((x * 48271 % 2147483647 % 1000))
}
note() { printf '%s' "$1" >>"$room/effects"; }
hang() {
    [ -z "$stubborn" ] || trap '' TERM
    exec "$room/sleeper" 60
}
crash() {
    if [ $((lot % 2)) -eq 0 ]; then kill -SEGV $$; else kill -KILL $$; fi
}
hide() {
    case $((lot % 3)) in
    0) setsid $clearing "$room/sleeper" 60 & ;;
    1) (setsid $clearing "$room/sleeper" 60 </dev/null >/dev/null 2>&1 &) ;;
    2) (trap '' TERM HUP; "$room/sleeper" 60; "$room/sleeper" 60) & ;;
    esac
}
kill_consumer() {
    read -r parent <"/proc/$PPID/comm" || return 0
    [ "$parent" = consumer ] || return 0
    echo "$PPID 9" >>"$room/killings"
    kill -KILL "$PPID"
}
)";

constexpr const char* kCommand = R"(
draw "$DRAINPIPE_ID" "$DRAINPIPE_ATTEMPT"
payloads="" effects=""
while IFS= read -r payload || [ -n "$payload" ]; do
    payloads="$payloads$payload
"
    effects="$effects$DRAINPIPE_RUN $DRAINPIPE_ATTEMPT $payload
"
    payload=""
done
if is failures; then
    echo "not to be put out"
    echo "failed on purpose" >&2
    exit 3
elif is rejections; then
    exit 65
elif is hangs; then
    hang
elif is crashes; then
    echo "not to be put out"
    crash
elif is hidden; then
    hide
elif is killings; then
    kill_consumer
fi
printf '%s' "$payloads"
note "$effects"
)";

constexpr const char* kWorker = R"(
succeed() {
    note "$DRAINPIPE_RUN $attempt $payload
"
    echo "ok $id $payload"
}
talk_nonsense() {
    case $((lot % 4)) in
    0) echo "what is $id" ;;
    1) echo "ok 987654321" ;;
    2) printf 'ok' ;;
    3) exec >&- ;;
    esac
}
while IFS=' ' read -r id attempt payload; do
    draw "$id" "$attempt"
    if is failures; then
        echo "retry $id failed on purpose"
        continue
    elif is rejections; then
        echo "dead $id rejected on purpose"
        continue
    elif is hangs; then
        hang
    elif is crashes; then
        crash
    elif is hidden; then
        hide
    elif is killings; then
        kill_consumer
    elif is nonsense; then
        talk_nonsense
        exit 0
    elif is late; then
        ("$room/sleeper" 0.02; succeed) &
        continue
    fi
    succeed
done
[ -z "$stubborn" ] || wait
)";

void add_flag(std::vector<std::string>& flags, const std::string& flag, std::uint64_t value,
              const std::string& unit = "") {
    flags.push_back("--" + flag + "=" + std::to_string(value) + unit);
}

// A worker takes what it has in its window along, and may not die more than five times in ten
// seconds: few of its events do it harm.
Errands::Misdeeds draw_misdeeds(Dice& dice, bool is_worker, bool is_quiet) {
    const int most_deaths = is_worker ? dice.pick<int>({1, 1, 1, 20}) : 40;
    const auto some = [&](int most) { return dice.chance(60) ? dice.between(1, most) : 0; };
    Errands::Misdeeds misdeeds{};
    misdeeds.failures = dice.chance(80) ? dice.between(1, 300) : 0;
    misdeeds.rejections = some(50);
    misdeeds.hangs = some(most_deaths);
    misdeeds.crashes = some(most_deaths);
    misdeeds.hidden = some(100);
    misdeeds.killings = is_quiet || dice.chance(50) ? 0 : dice.between(1, is_worker ? 3 : 15);
    misdeeds.nonsense = is_worker ? some(most_deaths) : 0;
    misdeeds.late = is_worker ? some(20) : 0;
    misdeeds.is_stubborn = dice.chance(15);
    misdeeds.clears = is_quiet && dice.chance(50);
    return misdeeds;
}

// A stage that dies is a consumer that does.
Errands::Misdeeds draw_misdeeds_of_stage(Dice& dice, bool is_quiet) {
    Errands::Misdeeds misdeeds{};
    misdeeds.failures = dice.chance(80) ? dice.between(1, 300) : 0;
    misdeeds.rejections = dice.chance(60) ? dice.between(1, 50) : 0;
    misdeeds.killings = is_quiet || dice.chance(40) ? 0 : dice.pick<int>({1, 1, 1, 3});
    misdeeds.late = dice.chance(60) ? dice.between(1, 20) : 0;
    return misdeeds;
}

// "is failures": whether the lot is one of those.
std::string lots_of(const Errands::Misdeeds& misdeeds) {
    std::ostringstream text;
    text << "is() {\n    case $1 in\n";
    int first = 0;
    const auto add = [&](const char* name, int count) {
        text << "    " << name << ") [ \"$lot\" -ge " << first << " ] && [ \"$lot\" -lt "
             << first + count << " ] ;;\n";
        first += count;
    };
    add("failures", misdeeds.failures);
    add("rejections", misdeeds.rejections);
    add("hangs", misdeeds.hangs);
    add("crashes", misdeeds.crashes);
    add("hidden", misdeeds.hidden);
    add("killings", misdeeds.killings);
    add("nonsense", misdeeds.nonsense);
    add("late", misdeeds.late);
    text << "    esac\n}\n";
    return text.str();
}

}  // namespace

Errands Errands::draw(Dice& dice, bool is_quiet) {
    Errands errands{};
    errands.kind = dice.pick<Kind>({Kind::command, Kind::worker, Kind::stage});
    errands.retries = dice.pick<std::uint64_t>({0, 1, 3, 3, 10});
    errands.seed = dice.between<std::uint64_t>(1, 1'000'000'000);
    auto& flags = errands.flags;
    add_flag(flags, "retries", errands.retries);
    add_flag(flags, "backoff", dice.between<std::uint64_t>(1, 50), "ms");
    add_flag(flags, "backoff-max", dice.between<std::uint64_t>(50, 200), "ms");
    if (errands.kind == Kind::stage) {
        errands.misdeeds = draw_misdeeds_of_stage(dice, is_quiet);
        errands.draw_stage(dice);
    } else {
        errands.misdeeds = draw_misdeeds(dice, errands.kind == Kind::worker, is_quiet);
        errands.draw_processes(dice);
    }
    return errands;
}

void Errands::draw_processes(Dice& dice) {
    const bool is_worker = kind == Kind::worker;
    jobs = dice.pick<std::uint64_t>({1, 1, 2, 3, 8});
    batch = is_worker ? 1 : dice.pick<std::uint64_t>({1, 1, 2, 10});
    window = is_worker ? dice.pick<std::uint64_t>({1, 2, 10, 256}) : 1;
    add_flag(flags, "jobs", jobs);
    if (batch > 1) {
        add_flag(flags, "batch", batch);
        add_flag(flags, "batch-wait", dice.between<std::uint64_t>(0, 50), "ms");
    }
    if (is_worker) add_flag(flags, "window", window);
    add_flag(flags, "timeout", dice.between<std::uint64_t>(200, 500), "ms");
}

// Events that are not tried again, or whose beginnings a rate spaces, are committed one by one.
void Errands::draw_stage(Dice& dice) {
    is_async = dice.chance(35);
    most_in_call = is_async || dice.chance(50) ? 0 : dice.pick<std::uint64_t>({1, 2, 10, 256});
    misdeeds.lost = is_async && dice.chance(60) ? dice.between(1, 50) : 0;
    const auto max_demand = dice.pick<std::uint64_t>({1, 2, 10, 100, 1000});
    const bool has_rate = dice.chance(20);
    jobs = 1;
    batch = 1;
    window = is_async                   ? dice.pick<std::uint64_t>({1, 2, 10, 256})
             : retries == 0 || has_rate ? 1
                                        : max_demand;
    add_flag(flags, "max-demand", max_demand);
    if (is_async) add_flag(flags, "window", window);
    if (has_rate) add_flag(flags, "rate", dice.pick<std::uint64_t>({500, 5000}), "/s");
}

std::string Errands::flag(const std::filesystem::path& directory) const {
    const char* const flag = kind == Kind::command  ? "--exec="
                             : kind == Kind::worker ? "--worker="
                                                    : "--consumer=";
    return flag + (directory / (kind == Kind::stage ? "consumer" : "errand")).string();
}

void Errands::write_program(const std::filesystem::path& directory) const {
    kind == Kind::stage ? write_stage(directory) : write_script(directory);
}

void Errands::write_script(const std::filesystem::path& directory) const {
    std::ostringstream text;
    text << "#!/bin/sh\nroom='" << directory.string() << "'\nseed=" << seed
         << "\nstubborn=" << (misdeeds.is_stubborn ? "yes" : "")
         << "\nclearing=" << (misdeeds.clears ? "'env -i'" : "") << "\n"
         << lots_of(misdeeds) << kCommonPart << (kind == Kind::worker ? kWorker : kCommand);
    const auto script = directory / "errand";
    harness::write_text(script, text.str());
    ::chmod(script.c_str(), 0755);
    // What sleeps is known by its path.
    std::filesystem::create_symlink("/bin/sleep", directory / "sleeper");
}

// What it is called by makes it a consumer to the census.
void Errands::write_stage(const std::filesystem::path& directory) const {
    std::ostringstream text;
    text << "seed " << seed << "\nasync " << is_async << "\nbatch " << most_in_call << "\nfailures "
         << misdeeds.failures << "\nrejections " << misdeeds.rejections << "\nkillings "
         << misdeeds.killings << "\nlate " << misdeeds.late << "\nlost " << misdeeds.lost << "\n";
    harness::write_text(directory / "orders", text.str());
    std::filesystem::create_symlink(harness::program("stages") / "errand_stage",
                                    directory / "consumer");
}

}  // namespace soak
