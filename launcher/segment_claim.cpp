#include "segment_claim.hpp"

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "failure.hpp"
#include "gauge.hpp"
#include "strays.hpp"

namespace drainpipe {
namespace {

using Clock = std::chrono::steady_clock;

// Events of stages of the user's own may be structs.
Geometry geometry_of(const Options& options) {
    const bool has_own_stage =
        options.work.kind == WorkKind::stage || options.source.kind == SourceKind::stage;
    return Geometry::of(options.capacity, options.buffer_bytes, has_own_stage ? kTypedAlignment : 1,
                        options.source.kind == SourceKind::engine);
}

Settings settings_of(const Options& options) {
    Settings settings{};
    settings.max_demand = options.max_demand;
    settings.min_demand = options.min_demand;
    settings.grace_microseconds = options.grace.count();
    settings.event_delay_microseconds = options.event_delay.count();
    settings.log_events_per_second = options.log_events_per_second;
    settings.dispatch = options.dispatch;
    settings.consumers = options.consumers;
    settings.partition_by = options.partition_by;
    settings.partition_delimiter = options.partition_delimiter;
    settings.socket_mode = options.socket_mode;
    settings.socket_group = options.socket_group ? std::int64_t{*options.socket_group} : -1;
    settings.launcher_pid = ::getpid();
    const WorkOptions& work = options.work;
    settings.work = work.kind;
    settings.worker_format = work.worker_format;
    settings.jobs = work.jobs;
    settings.batch = work.batch;
    settings.window = work.window;
    settings.retries = work.retries;
    settings.batch_wait_microseconds = work.batch_wait.count();
    settings.timeout_microseconds = work.timeout.count();
    settings.backoff_microseconds = work.backoff.count();
    settings.backoff_max_microseconds = work.backoff_max.count();
    settings.begin_interval_nanoseconds = work.begin_interval.count();
    settings.source = options.source.kind;
    settings.socket = !options.source.has_socket ? SocketKind::none
                      : options.activated_socket ? SocketKind::activated
                                                 : SocketKind::own;
    settings.gives_back = options.source.gives_back ? 1 : 0;
    options.source.endpoint.described().copy(settings.source_url.data(),
                                             settings.source_url.size() - 1);
    if (options.sink) {
        settings.has_sink = 1;
        options.sink->endpoint.described().copy(settings.sink_url.data(),
                                                settings.sink_url.size() - 1);
    }
    options.source.producer.native().copy(settings.producer_path.data(),
                                          settings.producer_path.size() - 1);
    options.source.file.native().copy(settings.source_file.data(), settings.source_file.size() - 1);
    work.command.copy(settings.command.data(), settings.command.size() - 1);
    const std::string& run_directory = options.address.run_directory().native();
    run_directory.copy(settings.run_directory.data(), settings.run_directory.size() - 1);
    options.log_directory.native().copy(settings.log_directory.data(),
                                        settings.log_directory.size() - 1);
    return settings;
}

Segment made_or_failed(const std::function<Segment()>& make) {
    try {
        return make();
    } catch (const std::system_error& error) {
        const int number = error.code().value();
        const std::string advice =
            number == ENOSPC ? ": /dev/shm is too small, lower --capacity or --buffer-size" : "";
        throw Failure(exit_code_of_creation(number), error.what() + advice);
    }
}

Segment make_segment(const Options& options) {
    return made_or_failed(
        [&] { return Segment::make(options.address.name(), geometry_of(options)); });
}

void say_recovered(const Segment& segment, std::uint64_t events, const Options& options, Log& log,
                   Console& console) {
    log.info("recovered events={}", events);
    if (events > 0) {
        console.say("recovered events=" + std::to_string(events) + ", they come first");
    }
    const Geometry& geometry = segment.header().geometry;
    if (events > 0 && geometry != geometry_of(options)) {
        log.warn("kept capacity={} buffer={} of the recovered segment until it is empty",
                 geometry.capacity, geometry.buffer_bytes);
    }
}

// " (run directory /run/drainpipe, pid 123)", where the segment tells.
std::string holder_of(const std::string& name) {
    try {
        const Gauge gauge(name);
        return " (" + gauge.run_directory() + ", pid " + std::to_string(gauge.launcher_pid()) + ")";
    } catch (const std::exception&) {
        return "";
    }
}

[[noreturn]] void held_elsewhere(const std::string& name) {
    throw Failure(ExitCode::taken, segment_path(name) +
                                       " is in use by a pipeline of that name in another run "
                                       "directory" +
                                       holder_of(name) + "; choose another --name");
}

// How long to look again whether the segment is still held.
void await_free(const std::string& name, std::chrono::seconds timeout,
                const std::function<bool()>& is_free) {
    // Counted in looks: time in which nothing ran does not count.
    constexpr std::chrono::milliseconds kInterval{10};
    for (auto left = timeout / kInterval; !is_free(); --left) {
        if (left == 0) {
            held_elsewhere(name);
        }
        std::this_thread::sleep_for(kInterval);
    }
}

// What a launcher had forked when it was killed has its hold until it is gone too, and a stage that
// is just leaving may still have the segment mapped.
void await_alone(const Segment& segment, const std::string& name) {
    constexpr std::chrono::seconds kHeldByLauncher{1};
    constexpr std::chrono::seconds kHeldByStage{2};
    await_free(name, kHeldByLauncher, [&] { return segment.hold_as_launcher(); });
    await_free(name, kHeldByStage, [&] { return !segment.is_held_by_stage(); });
    if (!segment.is_at(name)) {
        held_elsewhere(name);  // its holder has removed it, and another one may be there by now
    }
}

std::string describe_progress(const FileProgress& progress) {
    return std::to_string(progress.lines) + " lines of " + progress.name;
}

// Whether the segment is needed for what it knows of a file. Throws Failure where that is not the
// file that is given now.
bool has_file_to_keep(const Segment& segment, std::uint64_t events, const Options& options,
                      std::optional<SourceFile>& file) {
    const std::optional<FileProgress> progress = file_progress_of(segment.header());
    if (!progress) {
        return false;
    }
    const bool is_over = progress->has_ended && events == 0;
    if (!file) {
        return !is_over;
    }
    const bool is_it = progress->file == file->identity();
    if (is_it && file->may_have_lines(progress->lines)) {
        return true;
    }
    if (is_over) {
        return false;
    }
    const std::string why = is_it ? file->path().string() + ", which has fewer lines by now: " +
                                        std::to_string(file->lines())
                                  : file->path().string() + ", which is another file";
    throw Failure(ExitCode::cannot_create,
                  segment_path(options.address.name()) + " has taken in " +
                      describe_progress(*progress) + ", and can't go on with " + why +
                      "; finish the one first, or start over with --discard");
}

void say_discarded(const Segment& segment, std::uint64_t events, Log& log, Console& console) {
    std::string discarded = "discarded events=" + std::to_string(events);
    if (const auto progress = file_progress_of(segment.header())) {
        discarded += " lines=" + std::to_string(progress->lines) + " source=" + progress->name;
    }
    log.warn("{}", discarded);
    console.warn(discarded);
}

// What a URL names, whichever of its engine's servers it is asked for from.
std::string_view path_of(std::string_view url) {
    const std::size_t authority = url.find("://");
    const std::size_t path =
        authority == std::string_view::npos ? authority : url.find('/', authority + 3);
    return path == std::string_view::npos ? url : url.substr(path);
}

// Events of an engine are settled there, and others are not. Throws Failure where what is left in
// the segment is not of the source that is given now.
bool has_source_to_keep(const Segment& segment, std::uint64_t events, const Options& options) {
    const bool is_engine = options.source.kind == SourceKind::engine;
    const bool has_left = segment.is_tracked() ? !segment.is_settled() : events > 0;
    if (!has_left || (!is_engine && !segment.is_tracked())) {
        return false;
    }
    const std::string url = segment.header().settings.source_url.data();
    const std::string asked = is_engine ? options.source.endpoint.described() : "";
    if (is_engine && segment.is_tracked() && path_of(url) == path_of(asked)) {
        return true;
    }
    throw Failure(ExitCode::cannot_create,
                  segment_path(options.address.name()) + " holds events " +
                      (segment.is_tracked() ? "of " + url : "that are of no --source") +
                      ", and can't go on " + (is_engine ? "with " + asked : "without it") +
                      "; finish the one first, or throw away what it holds with --discard");
}

// An empty one has the size that is asked for now.
Segment fitting(Segment segment, const Options& options) {
    const Geometry geometry = geometry_of(options);
    if (segment.left() > 0 || !segment.is_settled() || segment.header().geometry == geometry) {
        return segment;
    }
    return made_or_failed([&] { return segment.make_successor(options.address.name(), geometry); });
}

// The segment that stands there, if there is anything in it to go on with.
std::optional<Segment> recover_segment(const Options& options, std::optional<SourceFile>& file,
                                       Log& log, Console& console) {
    const std::string& name = options.address.name();
    switch (inspect_segment(name)) {
        case Standing::absent:
            return std::nullopt;
        case Standing::half_made:
            if (!Segment::remove_unheld(name)) {
                held_elsewhere(name);
            }
            return std::nullopt;
        case Standing::ready:
            break;
    }
    Segment segment = Segment::open(name);
    await_alone(segment, name);
    Segment::remove_unfinished_successor(name);
    segment.validate();
    end_strays_of(segment.identity());
    const std::uint64_t events = segment.left();
    const bool is_kept =
        !options.discard && (has_source_to_keep(segment, events, options) ||
                             has_file_to_keep(segment, events, options, file) || events > 0);
    if (options.discard) {
        say_discarded(segment, events, log, console);
    } else {
        say_recovered(segment, events, options, log, console);
    }
    if (!is_kept) {
        Segment::remove(name);
        return std::nullopt;
    }
    return fitting(std::move(segment), options);
}

constexpr const char* kWhatToDo =
    "; it was left as it is: choose another --name, or remove it yourself";

std::optional<Segment> recover_or_discard(const Options& options, std::optional<SourceFile>& file,
                                          Log& log, Console& console) {
    try {
        return recover_segment(options, file, log, console);
    } catch (const SegmentUnusable& unusable) {
        if (!options.discard) {
            throw Failure(ExitCode::cannot_create, std::string(unusable.what()) + kWhatToDo +
                                                       ", or throw it away with --discard");
        }
        if (!Segment::remove_unheld(options.address.name())) {
            held_elsewhere(options.address.name());
        }
        log.warn("discarded events=unknown: {}", unusable.what());
        console.warn(std::string("discarded events=unknown: ") + unusable.what());
        return std::nullopt;
    }
}

Segment obtain_segment(const Options& options, std::optional<SourceFile>& file, Log& log,
                       Console& console) {
    try {
        std::optional<Segment> recovered = recover_or_discard(options, file, log, console);
        return recovered ? std::move(*recovered) : make_segment(options);
    } catch (const SegmentTaken&) {
        held_elsewhere(options.address.name());
    } catch (const SegmentRefused& refused) {
        throw Failure(ExitCode::cannot_create, std::string(refused.what()) + kWhatToDo);
    }
}

}  // namespace

SegmentClaim::SegmentClaim(const Options& options, std::optional<SourceFile>& file, NameClaim& name,
                           Log& log, Console& console)
    : options_(options), name_(name), segment_(obtain_segment(options, file, log, console)) {
    segment_.begin_run(settings_of(options), file ? std::optional(file->identity()) : std::nullopt);
    const auto progress = file_progress_of(segment_.header());
    if (file && progress) {
        const std::string what =
            "going on behind line " + std::to_string(progress->lines) + " of " + progress->name;
        log.info("{}", what);
        console.say(what);
    }
    name.open_to_stages();
}

SegmentClaim::~SegmentClaim() {
    if (name_.is_used() || !segment_.is_whole() || segment_.left() > 0 || !segment_.is_settled()) {
        return;
    }
    const auto progress = file_progress_of(segment_.header());
    if ((!progress || progress->has_ended) && segment_.is_at(options_.address.name())) {
        Segment::remove(options_.address.name());
    }
}

}  // namespace drainpipe
