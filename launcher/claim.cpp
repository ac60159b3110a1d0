#include "claim.hpp"

#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <system_error>

#include "failure.hpp"

namespace drainpipe {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kBeyondGrace{1};

std::string pipeline_in_words(const Address& address) {
    return "pipeline '" + address.name() + "' in " + address.run_folder().string();
}

// The lock file with the launcher's place taken. A file that was removed between our opening and
// our taking it is nobody's lock any more.
Places take_launcher_place(const Address& address) {
    while (true) {
        Places places = Places::make(address.lock_path());
        if (places.take(Place::launcher)) {
            places.wait_and_take(Place::cleaning);
            places.leave(Place::cleaning);
            if (places.is_current()) {
                return places;
            }
        } else if (const auto pid = places.holder(Place::launcher)) {
            throw Failure(ExitCode::taken, pipeline_in_words(address) +
                                               " is already running, pid " + std::to_string(*pid));
        }
    }
}

// Sleeps until the process is dead, or that time.
void await_death(pid_t pid, Clock::time_point until) {
    const Descriptor process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
    pollfd death{process.get(), POLLIN, 0};
    ::poll(&death, 1, static_cast<int>(std::max<std::int64_t>(0, left.count())));
}

void await_left_behind(const Places& places, const Options& options, Console& console) {
    const Clock::time_point until = Clock::now() + options.grace + kBeyondGrace;
    bool was_said = false;
    while (const auto pid = places.stage_holder()) {
        if (Clock::now() >= until) {
            throw Failure(ExitCode::taken,
                          pipeline_in_words(options.address) +
                              " is still draining: its launcher is gone, but pid " +
                              std::to_string(*pid) + " has not left");
        }
        if (!was_said) {
            console.say("waiting for pid " + std::to_string(*pid) +
                        ", which drains what a dead launcher left");
            was_said = true;
        }
        await_death(*pid, until);
    }
}

Settings settings_of(const Options& options) {
    Settings settings{};
    settings.max_demand = options.max_demand;
    settings.min_demand = options.min_demand;
    settings.grace_microseconds = options.grace.count();
    settings.event_delay_microseconds = options.event_delay.count();
    options.log_folder.native().copy(settings.log_folder.data(), settings.log_folder.size() - 1);
    return settings;
}

Segment make_segment(const Options& options) {
    const std::string& name = options.address.name();
    try {
        return Segment::make(name, Shape::of(options.capacity, options.buffer_bytes));
    } catch (const std::system_error& error) {
        const int number = error.code().value();
        if (number == ENOSPC) {
            throw Failure(ExitCode::system,
                          std::string(error.what()) +
                              ": /dev/shm is too small; lower --capacity or --buffer-size");
        }
        throw Failure(number == EEXIST ? ExitCode::cannot_create : exit_code_of_errno(number),
                      error.what());
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

// The segment that stands there, if there is anything in it to go on with.
std::optional<Segment> recover_segment(const Options& options, Log& log, Console& console) {
    const std::string& name = options.address.name();
    switch (inspect_segment(name)) {
        case Standing::absent:
            return std::nullopt;
        case Standing::half_made:
            Segment::remove(name);
            return std::nullopt;
        case Standing::ready:
            break;
    }
    Segment segment = Segment::open(name);
    segment.validate();
    const std::uint64_t events = segment.header().tail.load() - segment.header().head.load();
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

}  // namespace

Places claim_name(const Options& options, Console& console) {
    options.address.prepare_run_folder();
    Places places = take_launcher_place(options.address);
    await_left_behind(places, options, console);
    return places;
}

void require_free_socket(const Address& address) {
    struct stat info {};
    if (::lstat(address.socket_path().c_str(), &info) == 0 && !S_ISSOCK(info.st_mode)) {
        throw Failure(ExitCode::cannot_create,
                      address.socket_path().string() + " is in the way: it is not a socket");
    }
}

Segment claim_segment(const Options& options, Log& log, Console& console) {
    try {
        std::optional<Segment> recovered = recover_segment(options, log, console);
        Segment segment = recovered ? std::move(*recovered) : make_segment(options);
        segment.begin_run(settings_of(options));
        return segment;
    } catch (const SegmentRefused& refused) {
        throw Failure(ExitCode::cannot_create,
                      std::string(refused.what()) +
                          "; it was left as it is: choose another --name, or remove it yourself");
    }
}

}  // namespace drainpipe
