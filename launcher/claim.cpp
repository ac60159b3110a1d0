#include "claim.hpp"

#include <poll.h>
#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <functional>
#include <system_error>
#include <thread>
#include <vector>

#include "failure.hpp"
#include "signals.hpp"
#include "time_left.hpp"

namespace drainpipe {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kBeyondGrace{1};
constexpr std::chrono::seconds kBrieflyHeld{2};
constexpr std::chrono::seconds kBrieflyHeldByLauncher{1};
constexpr std::chrono::milliseconds kBetweenLooks{10};

// The last stage of a dead launcher may be removing what it left.
void await_cleaning(Places& places, const Address& address) {
    const Clock::time_point until = Clock::now() + kBrieflyHeld;
    while (!places.take(Place::cleaning)) {
        if (Clock::now() >= until) {
            throw Failure(ExitCode::taken,
                          address.in_words() + " is being cleaned up by pid " +
                              std::to_string(places.holder(Place::cleaning).value_or(0)));
        }
        std::this_thread::sleep_for(kBetweenLooks);
    }
    places.leave(Place::cleaning);
}

// The lock file with the launcher's place taken. A file that was removed between our opening and
// our taking it is nobody's lock any more.
Places take_launcher_place(const Address& address) {
    while (true) {
        Places places = Places::make(address.lock_path());
        if (places.take(Place::launcher)) {
            await_cleaning(places, address);
            if (places.is_current()) {
                return places;
            }
        } else if (const auto pid = places.holder(Place::launcher)) {
            throw Failure(ExitCode::taken,
                          address.in_words() + " is already running, pid " + std::to_string(*pid));
        }
    }
}

bool is_told_to_stop(const Descriptor& signals) {
    while (const int signal = take_signal(signals)) {
        if (is_stop_request(signal)) {
            return true;
        }
    }
    return false;
}

// Sleeps until the process is dead, a stop request has come (true), or that time. A process that
// can't be watched is looked for again in a moment.
bool await_death(pid_t pid, const Descriptor& signals, Clock::time_point until) {
    const Descriptor process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!process.is_open()) {
        until = std::min(until, Clock::now() + kBetweenLooks);
    }
    std::array<pollfd, 2> waits{{{process.get(), POLLIN, 0}, {signals.get(), POLLIN, 0}}};
    ::poll(waits.data(), waits.size(), milliseconds_until(until));
    return is_told_to_stop(signals);
}

// "pids 12,13, which drain what a dead launcher left of pipeline 'NAME' in FOLDER"
std::string left_behind_in_words(const std::vector<pid_t>& stages, const Address& address) {
    const bool is_one = stages.size() == 1;
    return fmt::format("{} {}, which {} what a dead launcher left of {}", is_one ? "pid" : "pids",
                       fmt::join(stages, ","), is_one ? "drains" : "drain", address.in_words());
}

// What stands at the socket's path may be replaced if it is a stale socket, or nothing.
void require_free_socket(const Address& address) {
    struct stat info {};
    if (::lstat(address.socket_path().c_str(), &info) != 0 || S_ISSOCK(info.st_mode) ||
        (S_ISREG(info.st_mode) && info.st_size == 0)) {
        return;
    }
    throw Failure(ExitCode::cannot_create,
                  address.socket_path().string() + " is in the way: it is not a socket");
}

Settings settings_of(const Options& options) {
    Settings settings{};
    settings.max_demand = options.max_demand;
    settings.min_demand = options.min_demand;
    settings.grace_microseconds = options.grace.count();
    settings.event_delay_microseconds = options.event_delay.count();
    settings.dispatch = options.dispatch;
    settings.consumers = options.consumers;
    settings.partition_by = options.partition_by;
    settings.partition_delimiter = options.partition_delimiter;
    options.log_folder.native().copy(settings.log_folder.data(), settings.log_folder.size() - 1);
    return settings;
}

Segment make_segment(const Options& options) {
    const std::string& name = options.address.name();
    try {
        return Segment::make(name, Shape::of(options.capacity, options.buffer_bytes));
    } catch (const std::system_error& error) {
        const int number = error.code().value();
        const std::string advice =
            number == ENOSPC ? ": /dev/shm is too small, lower --capacity or --buffer-size" : "";
        throw Failure(exit_code_of_creation(number), error.what() + advice);
    }
}

void say_recovered(const Segment& segment, std::uint64_t events, const Options& options, Log& log,
                   Console& console) {
    log.info("recovered events={}", events);
    if (events > 0) {
        console.say("recovered events=" + std::to_string(events) + ", they come first");
    }
    const Shape& shape = segment.header().shape;
    if (events > 0 && shape != Shape::of(options.capacity, options.buffer_bytes)) {
        log.warn("kept capacity={} buffer={} of the recovered segment until it is empty",
                 shape.capacity, shape.buffer_bytes);
    }
}

[[noreturn]] void held_elsewhere(const std::string& name) {
    throw Failure(ExitCode::taken, segment_path(name) +
                                       " is in use by a pipeline of that name in another run "
                                       "folder; choose another --name");
}

// Looks again for so long whether nobody has the segment any more.
void await_free(const std::string& name, std::chrono::seconds patience,
                const std::function<bool()>& is_free) {
    const Clock::time_point until = Clock::now() + patience;
    while (!is_free()) {
        if (Clock::now() >= until) {
            held_elsewhere(name);
        }
        std::this_thread::sleep_for(kBetweenLooks);
    }
}

// What a launcher had forked when it was killed has its hold until it is gone too, and a stage that
// is just leaving may still have the segment mapped.
void await_alone(const Segment& segment, const std::string& name) {
    await_free(name, kBrieflyHeldByLauncher, [&] { return segment.hold_as_launcher(); });
    await_free(name, kBrieflyHeld, [&] { return !segment.is_held_by_stage(); });
    if (!segment.is_at(name)) {
        held_elsewhere(name);  // whoever had it has removed it, and another may be there by now
    }
}

// The segment that stands there, if there is anything in it to go on with.
std::optional<Segment> recover_segment(const Options& options, Log& log, Console& console) {
    const std::string& name = options.address.name();
    switch (inspect_segment(name)) {
        case Standing::absent:
            return std::nullopt;
        case Standing::half_made:
            if (!Segment::remove_half_made(name)) {
                held_elsewhere(name);
            }
            return std::nullopt;
        case Standing::ready:
            break;
    }
    Segment segment = Segment::open(name);
    await_alone(segment, name);
    segment.validate();
    const std::uint64_t events = segment.left();
    if (options.discard) {
        log.warn("discarded events={}", events);
        console.warn("discarded events=" + std::to_string(events));
    } else {
        say_recovered(segment, events, options, log, console);
    }
    if (events == 0 || options.discard) {
        Segment::remove(name);
        return std::nullopt;
    }
    return segment;
}

Segment obtain_segment(const Options& options, Log& log, Console& console) {
    const std::string what_to_do =
        "; it was left as it is: choose another --name, or remove it yourself";
    try {
        std::optional<Segment> recovered = recover_segment(options, log, console);
        return recovered ? std::move(*recovered) : make_segment(options);
    } catch (const SegmentUnusable& unusable) {
        if (!options.discard) {
            throw Failure(ExitCode::cannot_create,
                          unusable.what() + what_to_do + ", or throw it away with --discard");
        }
        log.warn("discarded events=unknown: {}", unusable.what());
        console.warn(std::string("discarded events=unknown: ") + unusable.what());
        Segment::remove(options.address.name());
        return make_segment(options);
    } catch (const SegmentTaken&) {
        held_elsewhere(options.address.name());
    } catch (const SegmentRefused& refused) {
        throw Failure(ExitCode::cannot_create, refused.what() + what_to_do);
    }
}

}  // namespace

RunFolder::RunFolder(const Address& address)
    : path_(address.run_folder()), is_to_go_(address.prepare_run_folder()) {}

RunFolder::~RunFolder() {
    if (is_to_go_) {
        ::rmdir(path_.c_str());
    }
}

NameClaim::NameClaim(const Options& options, const Descriptor& signals, Console& console)
    : run_folder_(options.address),
      places_(take_launcher_place(options.address)),
      socket_(options.address.socket_path()) {
    try {
        do {
            await_left_behind(options, signals, console);
        } while (!places_.take_stages());
        require_free_socket(options.address);
    } catch (...) {
        release();
        throw;
    }
}

NameClaim::~NameClaim() { release(); }

void NameClaim::open_to_stages() {
    run_folder_.keep();
    places_.leave_stages();
}

void NameClaim::release() const {
    if (!is_used()) {
        struct stat info {};
        if (::lstat(socket_.c_str(), &info) == 0 && S_ISSOCK(info.st_mode)) {
            ::unlink(socket_.c_str());
        }
        places_.remove_file();
    }
}

void NameClaim::await_left_behind(const Options& options, const Descriptor& signals,
                                  Console& console) const {
    const Clock::time_point until = Clock::now() + options.grace + kBeyondGrace;
    bool was_said = false;
    for (std::vector<pid_t> stages; !(stages = places_.stage_holders()).empty();) {
        const std::string who = left_behind_in_words(stages, options.address);
        if (!was_said) {
            console.say("waiting for " + who);
            was_said = true;
        }
        if (await_death(stages.front(), signals, until) || Clock::now() >= until) {
            throw Failure(ExitCode::taken, "no longer waiting for " + who);
        }
    }
}

SegmentClaim::SegmentClaim(const Options& options, NameClaim& name, Log& log, Console& console)
    : options_(options), name_(name), segment_(obtain_segment(options, log, console)) {
    segment_.begin_run(settings_of(options));
    name.open_to_stages();
}

SegmentClaim::~SegmentClaim() {
    if (segment_.left() == 0 && !name_.is_used() && segment_.is_at(options_.address.name())) {
        Segment::remove(options_.address.name());
    }
}

}  // namespace drainpipe
