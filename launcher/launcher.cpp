#include "launcher.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <system_error>

#include "dead_letter_file.hpp"
#include "failure.hpp"
#include "quantity.hpp"

namespace drainpipe {
namespace {

// How long a producer may take to close the intake before it is ended: its work then is a few
// stores and a farewell to each client.
constexpr std::chrono::seconds kIntakeTimeout{1};

// Between two rounds of consumers in a drain, where one has left something.
constexpr std::chrono::milliseconds kBetweenRounds{100};

// Our own, beside this program, or one of the user's.
Child::Program stage_program(const std::string& role, const std::filesystem::path& own_path,
                             const Options& options) {
    Child::Program stage{.role = role,
                         .path = own_path.empty() ? own_directory() / role : own_path,
                         .arguments = {"--name=" + options.address.name(),
                                       "--run-dir=" + options.address.run_directory().string()},
                         .has_output = false};
    std::error_code unknown;
    if (::access(stage.path.c_str(), X_OK) != 0 ||
        std::filesystem::is_directory(stage.path, unknown)) {
        throw Failure(ExitCode::unavailable, stage.path.string() + " is missing or not executable");
    }
    return stage;
}

// The producer, and every consumer up to the limit.
std::vector<Child::Program> stage_programs(const Options& options) {
    std::vector<Child::Program> programs{
        stage_program("producer", options.source.producer, options)};
    programs.front().has_input = options.source.kind == SourceKind::standard_input;
    const bool is_own = options.work.kind == WorkKind::stage;
    Child::Program consumer =
        stage_program("consumer", is_own ? options.work.command : std::string(), options);
    consumer.has_output = true;
    for (unsigned number = 1; number <= kMaxConsumers; ++number) {
        programs.push_back(consumer);
        programs.back().arguments.push_back("--number=" + std::to_string(number));
        if (number > 1 || options.consumers > 1) {
            programs.back().role += "." + std::to_string(number);
        }
    }
    return programs;
}

// Of this program, asked for something else.
std::unique_ptr<HttpProcess> make_http_process(const Options& options) {
    if (!options.http) {
        return nullptr;
    }
    const Child::Program program{
        .role = "http",
        .path = std::filesystem::read_symlink("/proc/self/exe"),
        .arguments = {HttpProcess::kCommand, "--name=" + options.address.name()},
        .has_output = false};
    return std::make_unique<HttpProcess>(*options.http, program);
}

std::optional<SourceFile> source_file_of(const SourceOptions& source) {
    return source.kind == SourceKind::file ? std::optional<SourceFile>(source.file) : std::nullopt;
}

// What `ready` says of where the events come from.
std::string describe_source(const Options& options) {
    switch (options.source.kind) {
        case SourceKind::socket:
            return "socket=" + options.address.socket_path().string();
        case SourceKind::file:
            return "socket=- source=" + options.source.file.string();
        case SourceKind::standard_input:
            return "socket=- source=-";
        case SourceKind::stage:
            return "socket=" +
                   (options.source.has_socket ? options.address.socket_path().string() : "-") +
                   " source=" + options.source.producer.string();
    }
    return {};
}

}  // namespace

Launcher::Launcher(const Options& options, Descriptor signals)
    : Launcher(options, std::move(signals), stage_programs(options)) {}

Launcher::Launcher(const Options& options, Descriptor signals, std::vector<Child::Program> programs)
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
      supervisor_(std::move(programs), http_.get(), std::move(signals), name_claim_, control_,
                  segment_, watch_, log_, console_),
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
    if (!options_.source.has_socket) {
        run_job();
    }
    while (!supervisor_.stop_request()) {
        display_.show_running();
        supervisor_.wait(display_.next_time());
    }
    return shut_down();
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
                    supervisor_.producer().pid(), fmt::join(consumers, ","),
                    segment_path(options_.address.name()), describe_source(options_)) +
        (http_ ? " http=" + http_->address().describe() : "");
    log_.info("{}", ready);
    display_.announce(ready);
}

ExitCode Launcher::shut_down() {
    const Clock::time_point deadline = supervisor_.stop_request()->at + options_.grace;
    watchdog_.arm(deadline);
    segment_.header().stop_deadline.store(
        std::chrono::nanoseconds(deadline.time_since_epoch()).count());
    const std::string stopping =
        fmt::format("stopping reason={} grace={}", to_text(supervisor_.stop_request()->reason),
                    to_text(options_.grace));
    log_.info("{}", stopping);
    console_.say(stopping);

    close_intake(deadline);
    drain(deadline);
    kill_what_still_runs();
    return settle();
}

void Launcher::close_intake(Clock::time_point deadline) {
    ManagedProcess& producer = supervisor_.producer();
    for (ManagedProcess& process : supervisor_.all()) {
        supervisor_.resume(process);  // a stopped one may hold the ring's lock
    }
    static_cast<void>(name_claim_.role_locks().take(Role::stopping));
    segment_.header().phase.store(Phase::stopping);
    supervisor_.disable(producer);
    supervisor_.ask_to_leave(producer);
    const Clock::time_point limit = supervisor_.awake_at() + kIntakeTimeout - supervisor_.frozen();
    const auto until = [&] { return limit + supervisor_.frozen(); };
    while (producer.is_running() && !is_cut_short(deadline) && supervisor_.awake_at() < until()) {
        supervisor_.wait(std::min(deadline, until()));
    }
    if (producer.is_running()) {
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
    console_.conclude(summary);

    if (account.dead > 0) {
        console_.error(fmt::format("dead={}: their dead letters are in {}", account.dead,
                                   (options_.log_directory / DeadLetterFile::kFileName).string()));
    }
    if (account.left > 0 && !supervisor_.has_lost_segment()) {
        console_.error(fmt::format("left={} stay in {}; the next start delivers them first",
                                   account.left, segment_path(options_.address.name())));
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
    if (account.left > 0 || supervisor_.has_left_behind()) {
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
