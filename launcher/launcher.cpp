#include "launcher.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <system_error>

#include "dead_letter_file.hpp"
#include "endpoint_file.hpp"
#include "failure.hpp"
#include "proc.hpp"
#include "quantity.hpp"
#include "service_status.hpp"

namespace drainpipe {
namespace {

// How long a producer may take to close the intake before it is ended: its work then is a few
// stores and a farewell to each client.
constexpr std::chrono::seconds kIntakeTimeout{1};

// Between two rounds of consumers in a drain, where one has left something.
constexpr std::chrono::milliseconds kBetweenRounds{100};

// Between two looks at what a source settles, which no descriptor tells.
constexpr std::chrono::milliseconds kBetweenLooksAtSource{10};

// Of a stop that gives back what it can't do: what is kept of the grace time for that, at most a
// quarter of it.
constexpr std::chrono::seconds kGivingBack{2};

// A stage, or nothing where its program can't be executed.
std::optional<Child::Program> find_stage(const std::string& role, const std::filesystem::path& path,
                                         const Options& options) {
    std::error_code unknown;
    if (::access(path.c_str(), X_OK) != 0 || std::filesystem::is_directory(path, unknown)) {
        return std::nullopt;
    }
    return Child::Program{.role = role,
                          .path = path,
                          .arguments = {"--name=" + options.address.name(),
                                        "--run-dir=" + options.address.run_directory().string()},
                          .has_output = false};
}

// Our own, beside this program, or one of the user's, which the user may replace while it runs.
Child::Program stage_program(const std::string& role, const std::filesystem::path& own_path,
                             const Options& options) {
    const std::filesystem::path path = own_path.empty() ? own_directory() / role : own_path;
    if (auto stage = find_stage(role, path, options)) {
        stage->file = own_path.empty() ? Child::hold(path) : nullptr;
        return *stage;
    }
    throw Failure(ExitCode::unavailable, path.string() + " is missing or not executable");
}

// The one that stands for a URL's scheme.
Child::Program engine_program(const std::string& role, const std::filesystem::path& path,
                              const Endpoint& endpoint, const Options& options) {
    if (auto stage = find_stage(role, path, options)) {
        stage->file = Child::hold(path);
        return *stage;
    }
    const bool is_of_nats = path.filename().string().starts_with("nats_");
    throw Failure(
        ExitCode::unavailable,
        path.string() + " is missing or not executable, and " + endpoint.described() + " needs it" +
            (is_of_nats ? ": scripts/build.sh adapters builds it, but not with -DDRAINPIPE_NATS=OFF"
                        : ""));
}

Child::Program producer_program(const Options& options) {
    const SourceOptions& source = options.source;
    if (source.kind == SourceKind::engine) {
        return engine_program("producer", source.program, source.endpoint, options);
    }
    Child::Program producer = stage_program("producer", source.producer, options);
    producer.socket = options.activated_socket ? options.activated_socket->fd : -1;
    producer.has_input = source.kind == SourceKind::standard_input;
    return producer;
}

Child::Program consumer_program(const Options& options) {
    const bool is_own = options.work.kind == WorkKind::stage;
    Child::Program consumer =
        options.sink
            ? engine_program("consumer", options.sink->program, options.sink->endpoint, options)
            : stage_program("consumer", is_own ? options.work.command : std::string(), options);
    consumer.has_output = true;
    return consumer;
}

// Of this program, asked for something else.
std::unique_ptr<HttpProcess> make_http_process(const Options& options) {
    if (!options.http) {
        return nullptr;
    }
    const std::filesystem::path path = std::filesystem::read_symlink("/proc/self/exe");
    const Child::Program program{
        .role = "http",
        .path = path,
        .arguments = {HttpProcess::kCommand, "--name=" + options.address.name()},
        .has_output = false,
        .file = Child::hold(path)};
    return std::make_unique<HttpProcess>(*options.http, program);
}

std::optional<SourceFile> source_file_of(const SourceOptions& source) {
    return source.kind == SourceKind::file ? std::optional<SourceFile>(source.file) : std::nullopt;
}

// What `ready` says of where the events come from.
std::string describe_source(const Options& options) {
    switch (options.source.kind) {
        case SourceKind::socket:
            return "socket=" + socket_path_of(options).string();
        case SourceKind::file:
            return "socket=- source=" + options.source.file.string();
        case SourceKind::standard_input:
            return "socket=- source=-";
        case SourceKind::stage:
            return "socket=" +
                   (options.source.has_socket ? socket_path_of(options).string() : "-") +
                   " source=" + options.source.producer.string();
        case SourceKind::engine:
            return "socket=- source=" + options.source.endpoint.described();
    }
    return {};
}

// And where their results go.
std::string describe_sink(const Options& options) {
    return options.sink ? " sink=" + options.sink->endpoint.described() : "";
}

}  // namespace

// The producer, and every consumer up to the limit. What leads to an engine gets that by its
// standard input, of which there is one for all that are started over time.
Launcher::Stages Launcher::stages_of(const Options& options) {
    Stages stages{.programs = {producer_program(options)}, .inputs = {}};
    const auto give = [&](Child::Program& program, const Endpoint& endpoint) {
        stages.inputs.push_back(write_endpoint(endpoint));
        program.input = stages.inputs.back().get();
    };
    if (options.source.kind == SourceKind::engine) {
        give(stages.programs.front(), options.source.endpoint);
    }
    Child::Program consumer = consumer_program(options);
    if (options.sink) {
        give(consumer, options.sink->endpoint);
    }
    for (unsigned number = 1; number <= kMaxConsumers; ++number) {
        Child::Program& program = stages.programs.emplace_back(consumer);
        program.arguments.push_back("--number=" + std::to_string(number));
        if (number > 1 || options.consumers > 1) {
            program.role += "." + std::to_string(number);
        }
    }
    return stages;
}

Launcher::Launcher(const Options& options, const ServiceEnvironment& service, Descriptor signals)
    : Launcher(options, service, std::move(signals), stages_of(options)) {}

Launcher::Launcher(const Options& options, const ServiceEnvironment& service, Descriptor signals,
                   Stages stages)
    : options_(options),
      console_({.colour = options_.colour, .is_quiet = options_.is_quiet}),
      source_file_(source_file_of(options_.source)),
      name_claim_(options_, signals, console_),
      log_(options_.log_directory, "launcher", LogSink::File::required,
           options_.address.log_label()),
      http_(make_http_process(options_)),
      segment_claim_(options_, source_file_, name_claim_, log_, console_),
      segment_(segment_claim_.segment()),
      gauge_(options_.address.name()),
      display_(options_, gauge_, console_),
      control_(options_.address.control_path()),
      watch_(segment_, options_.address.name()),
      service_(service),
      stage_inputs_(std::move(stages.inputs)),
      supervisor_(std::move(stages.programs), http_.get(), std::move(signals), name_claim_,
                  control_, segment_, watch_, service_, log_, console_),
      watchdog_(options_.grace) {}

ExitCode Launcher::run() {
    try {
        const ExitCode code = run_to_the_end();
        name_claim_.note_end(code);
        return code;
    } catch (const Failure& failure) {
        name_claim_.note_end(failure.code());
        throw;
    }
}

ExitCode Launcher::run_to_the_end() {
    start();
    if (options_.source.kind == SourceKind::engine) {
        await_source();
    } else if (!options_.source.has_socket) {
        run_job();
    }
    while (!supervisor_.stop_request()) {
        display_.show_running();
        supervisor_.wait(display_.next_time());
    }
    return shut_down();
}

// With --source-timeout.
void Launcher::await_source() {
    const std::chrono::microseconds limit = options_.source.timeout;
    const Clock::time_point begun_at = supervisor_.awake_at() - supervisor_.frozen();
    const auto is_connected = [this] { return segment_.header().source_was_connected.load() != 0; };
    while (limit.count() > 0 && !supervisor_.stop_request() && !is_connected()) {
        if (supervisor_.awake_at() - supervisor_.frozen() >= begun_at + limit) {
            supervisor_.fail(
                fmt::format("{} could not be reached within {} (--source-timeout)",
                            segment_.header().settings.source_url.data(), to_text(limit)),
                ExitCode::unavailable);
            return;
        }
        display_.show_running();
        supervisor_.wait(Clock::now() + kBetweenLooksAtSource);
    }
}

void Launcher::run_job() {
    Job job(segment_, gauge_, source_file_, console_);
    while (!supervisor_.stop_request() && !job.is_done()) {
        supervisor_.wait(Clock::now() + Job::kBetweenLooks);
        // A producer of the user's own has no end that could be shown.
        if (options_.source.kind == SourceKind::stage) {
            display_.show_running();
        } else {
            job.show_progress();
        }
    }
    supervisor_.request_stop(options_.source.kind == SourceKind::stage ? StopReason::end_of_source
                                                                       : StopReason::end_of_file);
}

void Launcher::start() {
    const std::span<ManagedProcess> consumers = supervisor_.consumers().first(options_.consumers);
    for (ManagedProcess& consumer : consumers) {
        supervisor_.enable(consumer);
    }
    if (!await_ready(consumers)) {
        return;
    }
    supervisor_.enable(supervisor_.producer());
    if (await_ready(supervisor_.all().first(1))) {
        announce();
    }
}

bool Launcher::await_ready(std::span<ManagedProcess> stages) {
    const auto is_ready = [](const ManagedProcess& stage) {
        return stage.is_ready() || !stage.is_wanted;
    };
    while (!std::ranges::all_of(stages, is_ready)) {
        if (supervisor_.stop_request()) {
            return false;
        }
        supervisor_.wait(Clock::time_point::max());
    }
    return true;
}

void Launcher::announce() {
    std::vector<pid_t> consumers;
    for (const ManagedProcess& consumer : supervisor_.consumers()) {
        if (consumer.is_running()) {
            consumers.push_back(consumer.pid());
        }
    }
    const std::string ready =
        fmt::format("ready name={} run={} launcher={} producer={} consumer={} segment={} {}",
                    options_.address.name(), segment_.identity(), ::getpid(),
                    supervisor_.producer().pid(), to_text(consumers),
                    segment_path(options_.address.name()), describe_source(options_)) +
        describe_sink(options_) + (http_ ? " http=" + http_->address().describe() : "");
    log_.info("{}", ready);
    say_where_clients_look();
    service_.tell_ready(service_status(segment_, std::nullopt));
    display_.announce(ready);
}

// Who knows the name alone looks where that leads to.
void Launcher::say_where_clients_look() {
    const std::filesystem::path path = options_.address.socket_path();
    if (options_.activated_socket &&
        options_.activated_socket->path.lexically_normal() != path.lexically_normal()) {
        const std::string what = fmt::format(
            "the socket that was passed is {}, and enqueue looks for {}: name that one in the "
            "socket unit",
            options_.activated_socket->path.string(), path.string());
        log_.warn("{}", what);
        console_.warn(what);
    }
}

ExitCode Launcher::shut_down() {
    const Clock::time_point deadline = supervisor_.stop_deadline().value();
    watchdog_.arm(deadline);
    service_.tell_stopping(deadline, service_status(segment_, deadline));
    segment_.header().stop_deadline.store(
        std::chrono::nanoseconds(end_of_drain(deadline).time_since_epoch()).count());
    const std::string stopping =
        fmt::format("stopping reason={} grace={}", to_text(supervisor_.stop_request()->reason),
                    to_text(options_.grace));
    log_.info("{}", stopping);
    console_.say(stopping);

    close_intake(deadline);
    drain(end_of_drain(deadline));
    if (options_.source.kind == SourceKind::engine) {
        give_back(deadline);
        settle_source(deadline);
    }
    kill_what_still_runs();
    return settle();
}

Launcher::Clock::time_point Launcher::end_of_drain(Clock::time_point deadline) const {
    return options_.source.gives_back
               ? deadline - std::min<Clock::duration>(kGivingBack, options_.grace / 4)
               : deadline;
}

void Launcher::close_intake(Clock::time_point deadline) {
    ManagedProcess& producer = supervisor_.producer();
    for (ManagedProcess& process : supervisor_.all()) {
        supervisor_.resume(process);  // a stopped one may hold the ring's lock
    }
    static_cast<void>(name_claim_.role_locks().take(Role::stopping));
    segment_.header().phase.store(Phase::stopping);
    const bool stays = options_.source.kind == SourceKind::engine;  // to settle what is drained
    if (!stays) {
        supervisor_.disable(producer);
    }
    supervisor_.ask_to_leave(producer);
    const auto is_open = [&] {
        return producer.is_running() && !(stays && segment_.header().intake_closed.load() != 0);
    };
    const Clock::time_point limit = supervisor_.awake_at() + kIntakeTimeout - supervisor_.frozen();
    const auto until = [&] { return limit + supervisor_.frozen(); };
    while (is_open() && !is_cut_short(deadline) && supervisor_.awake_at() < until()) {
        const Clock::time_point look_at =
            stays ? Clock::now() + kBetweenLooksAtSource : Clock::time_point::max();
        supervisor_.wait(std::min({deadline, until(), look_at}));
    }
    if (is_open()) {
        log_.warn("producer pid={} did not leave: killing it", producer.pid());
        supervisor_.kill(supervisor_.all().first(1));
    }
}

void Launcher::drain(Clock::time_point deadline) {
    const std::span<ManagedProcess> consumers = supervisor_.consumers();
    for (ManagedProcess& consumer : consumers) {
        supervisor_.resume(consumer);
    }
    segment_.header().phase.store(Phase::draining);
    for (ManagedProcess& consumer : consumers) {
        if (consumer.is_wanted) {
            supervisor_.ask_to_leave(consumer);
        }
    }
    const auto is_at_work = [](const ManagedProcess& process) {
        return process.is_running() && !process.has_failed;
    };
    const auto is_to_start = [](const ManagedProcess& process) {
        return process.start_at.has_value();
    };
    Clock::time_point next_round = Clock::now();
    while (std::ranges::any_of(consumers, is_at_work) || account().left > 0) {
        const bool is_idle = std::ranges::none_of(consumers, is_at_work) &&
                             std::ranges::none_of(consumers, is_to_start);
        if (is_cut_short(deadline) ||
            (is_idle && (std::ranges::any_of(consumers, &ManagedProcess::has_failed) ||
                         is_left_for_next_run()))) {
            return;
        }
        if (is_idle && Clock::now() >= next_round && Clock::now() < deadline - kNothingBegins) {
            start_all_consumers();
            next_round = Clock::now() + kBetweenRounds;
        }
        const auto pause = is_idle ? kBetweenRounds : console_.progress_interval();
        supervisor_.wait(std::min(deadline, Clock::now() + pause));
        display_.show_drain(deadline);
    }
}

// What is left is taken from the consumers, which have had their time, and given back to where it
// came from.
void Launcher::give_back(Clock::time_point deadline) {
    if (!options_.source.gives_back || account().left == 0 || is_cut_short(deadline)) {
        return;
    }
    for (ManagedProcess& consumer : supervisor_.consumers()) {
        supervisor_.disable(consumer);
    }
    supervisor_.kill(supervisor_.consumers());
    segment_.header().phase.store(Phase::giving_back);
    while (account().left > 0 && !is_cut_short(deadline)) {
        supervisor_.wait(std::min(deadline, Clock::now() + kBetweenLooksAtSource));
    }
}

// It leaves once nothing has ended that its engine was not told of.
void Launcher::settle_source(Clock::time_point deadline) {
    ManagedProcess& producer = supervisor_.producer();
    while (!producer.is_running() && producer.is_wanted && !producer.has_failed &&
           !segment_.is_settled() && !is_cut_short(deadline)) {
        supervisor_.wait(std::min(deadline, Clock::now() + kBetweenLooksAtSource));
    }
    supervisor_.disable(producer);
    segment_.header().phase.store(Phase::settling);
    segment_.header().room_available.notify_always();
    while (producer.is_running() && !is_cut_short(deadline)) {
        supervisor_.wait(deadline);
    }
}

// How many events are done, or dead, and their source was not told.
std::uint64_t Launcher::untold() const {
    const Header& header = segment_.header();
    return segment_.is_settled() ? 0 : header.tail.load() - header.settled.load() - account().left;
}

// Each had one more try in this drain.
bool Launcher::is_left_for_next_run() const {
    const std::uint64_t waiting = gauge_.waiting_for_retry();
    return waiting > 0 && waiting == account().left;
}

// What is left is in flight to a consumer that has left: each number may have some.
void Launcher::start_all_consumers() {
    for (unsigned number = 0; number < segment_.header().consumers.load(); ++number) {
        supervisor_.enable(supervisor_.consumers()[number]);
    }
}

bool Launcher::is_cut_short(Clock::time_point deadline) const {
    return supervisor_.is_forced() || Clock::now() >= deadline;
}

void Launcher::kill_what_still_runs() {
    for (ManagedProcess& process : supervisor_.all()) {
        supervisor_.disable(process);
        if (process.is_running()) {
            log_.warn("{} pid={} still runs: killing it", process.child.role(), process.pid());
        }
    }
    supervisor_.kill(supervisor_.all());
    supervisor_.end_adopted(Clock::now() + Supervisor::kKillTimeout);
}

ExitCode Launcher::settle() {
    const Account account = this->account();
    const std::string summary = "summary " + to_text(account);
    log_.info("{}", summary);
    service_.tell_status(summary);
    console_.conclude(summary);

    if (account.dead > 0) {
        console_.error(fmt::format("dead={}: their dead letters are in {}", account.dead,
                                   (options_.log_directory / DeadLetterFile::kFileName).string()));
    }
    if (account.left > 0 && !supervisor_.has_lost_segment()) {
        console_.error(fmt::format("left={} stay in {}; the next start delivers them first",
                                   account.left, segment_path(options_.address.name())));
    }
    if (untold() > 0 && !supervisor_.has_lost_segment()) {
        console_.error(fmt::format(
            "unacknowledged={}: they are done, and {} was not told; the next start tells it",
            untold(), segment_.header().settings.source_url.data()));
        log_.warn("unacknowledged events={}", untold());
    }
    say_where_file_stands(account);
    return exit_code_for(account);
}

void Launcher::say_where_file_stands(const Account& account) {
    const auto progress = file_progress_of(segment_.header());
    if (!progress || supervisor_.has_lost_segment() || (progress->has_ended && account.left == 0)) {
        return;
    }
    const std::string what = fmt::format(
        "accepted_lines={} source={}: a start with the same --from goes on with line {}",
        progress->lines, progress->name, progress->lines + 1);
    log_.info("{}", what);
    console_.conclude(what);
}

ExitCode Launcher::exit_code_for(const Account& account) {
    if (supervisor_.has_lost_segment()) {
        return ExitCode::io;
    }
    if (supervisor_.failure()) {
        return *supervisor_.failure();
    }
    if (account.left > 0 || untold() > 0 || supervisor_.has_left_behind()) {
        return ExitCode::deadline;
    }
    const std::uint64_t lost = segment_.header().log_lines_lost.load() + log_.sink().take_lost();
    if (lost > 0) {
        console_.error(fmt::format("log_lines_lost={}: the log could not be written", lost));
        return ExitCode::io;
    }
    return account.dead > 0 ? ExitCode::data : ExitCode::done;
}

}  // namespace drainpipe
