#include "launcher.hpp"

#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "failure.hpp"
#include "quantity.hpp"

namespace drainpipe {
namespace {

// How long a producer may take to close the intake before it is ended: its work then is a few
// stores and a farewell to each client.
constexpr std::chrono::seconds kIntakePatience{1};

Child::Program stage_program(const std::string& role, const Options& options, bool has_output) {
    Child::Program program{.role = role,
                           .path = own_folder() / role,
                           .arguments = {"--name=" + options.address.name(),
                                         "--run-dir=" + options.address.run_folder().string()},
                           .has_output = has_output};
    if (::access(program.path.c_str(), X_OK) != 0) {
        throw Failure(ExitCode::unavailable,
                      program.path.string() + " is missing or not executable");
    }
    return program;
}

}  // namespace

Launcher::Launcher(const Options& options, Descriptor signals)
    : Launcher(options, std::move(signals), stage_program("producer", options, false),
               stage_program("consumer", options, true)) {}

Launcher::Launcher(const Options& options, Descriptor signals, Child::Program producer,
                   Child::Program consumer)
    : options_(options),
      name_claim_(options_, signals, console_),
      log_(options_.log_folder, "launcher", LogSink::File::required),
      segment_claim_(options_, name_claim_, log_, console_),
      segment_(segment_claim_.segment()),
      watch_(segment_, options_.address.name()),
      gauge_(options_.address.name()),
      supervisor_(std::move(producer), std::move(consumer), std::move(signals),
                  name_claim_.places(), segment_, watch_, log_, console_) {}

ExitCode Launcher::run() {
    start();
    while (!supervisor_.stop_request()) {
        supervisor_.wait(Clock::time_point::max());
    }
    return shut_down();
}

void Launcher::start() {
    for (Supervisor::Kept* kept : {&supervisor_.consumer(), &supervisor_.producer()}) {
        supervisor_.keep(*kept);
        while (!kept->is_ready()) {
            if (supervisor_.stop_request()) {
                return;
            }
            supervisor_.wait(Clock::time_point::max());
        }
    }
    announce();
}

void Launcher::announce() {
    const std::string ready =
        fmt::format("ready name={} launcher={} producer={} consumer={} segment={} socket={}",
                    options_.address.name(), ::getpid(), supervisor_.producer().pid(),
                    supervisor_.consumer().pid(), segment_path(options_.address.name()),
                    options_.address.socket_path().string());
    log_.info("{}", ready);
    console_.say(ready);
}

ExitCode Launcher::shut_down() {
    const Clock::time_point deadline = supervisor_.stop_request()->at + options_.grace;
    const std::string stopping = fmt::format(
        "stopping reason={} grace={}", supervisor_.stop_request()->reason, to_text(options_.grace));
    log_.info("{}", stopping);
    console_.say(stopping);

    close_intake(deadline);
    drain(deadline);
    kill_what_still_runs();
    return settle();
}

void Launcher::close_intake(Clock::time_point deadline) {
    Supervisor::Kept& producer = supervisor_.producer();
    static_cast<void>(name_claim_.places().take(Place::stopping));
    segment_.header().phase.store(Phase::stopping);
    supervisor_.let_go(producer);
    supervisor_.ask_to_leave(producer);
    const Clock::time_point patience = std::min(deadline, Clock::now() + kIntakePatience);
    while (producer.is_running() && !is_cut_short(patience)) {
        supervisor_.wait(patience);
    }
    if (producer.is_running()) {
        log_.warn("producer pid={} did not leave: killing it", producer.pid());
        supervisor_.kill(producer);
    }
}

void Launcher::drain(Clock::time_point deadline) {
    Supervisor::Kept& consumer = supervisor_.consumer();
    segment_.header().phase.store(Phase::draining);
    supervisor_.ask_to_leave(consumer);
    while (consumer.is_running() || gauge_.read().left > 0) {
        if (is_cut_short(deadline) || consumer.has_failed) {
            return;
        }
        if (!consumer.is_running() && !consumer.start_at) {
            supervisor_.keep(consumer);
        }
        supervisor_.wait(std::min(deadline, Clock::now() + console_.progress_interval()));
        show_progress(deadline);
    }
}

bool Launcher::is_cut_short(Clock::time_point deadline) const {
    return supervisor_.is_forced() || Clock::now() >= deadline;
}

void Launcher::show_progress(Clock::time_point deadline) {
    const auto left = std::chrono::duration<double>(deadline - Clock::now());
    const Account account = gauge_.read();
    if (account.left > 0 && left.count() > 0) {
        console_.show_progress(fmt::format("draining in_flight={} buffered={} time_left={:.1f}s",
                                           account.in_flight, account.buffered, left.count()));
    }
}

void Launcher::kill_what_still_runs() {
    for (Supervisor::Kept* kept : {&supervisor_.producer(), &supervisor_.consumer()}) {
        supervisor_.let_go(*kept);
        if (kept->is_running()) {
            log_.warn("{} pid={} still runs: killing it", kept->child.role(), kept->pid());
            supervisor_.kill(*kept);
        }
    }
}

ExitCode Launcher::settle() {
    const Account account = gauge_.read();
    const std::string summary = "summary " + to_text(account);
    log_.info("{}", summary);
    console_.say(summary);

    if (account.left > 0 && !supervisor_.has_lost_segment()) {
        console_.warn(fmt::format("left={} stay in {}; the next start delivers them first",
                                  account.left, segment_path(options_.address.name())));
    }
    return exit_code_for(account);
}

ExitCode Launcher::exit_code_for(const Account& account) {
    if (supervisor_.has_lost_segment()) {
        return ExitCode::io;
    }
    if (supervisor_.failure()) {
        return *supervisor_.failure();
    }
    if (account.left > 0) {
        return ExitCode::deadline;
    }
    const std::uint64_t lost = gauge_.log_lines_lost() + log_.sink().take_lost();
    if (lost > 0) {
        console_.warn(fmt::format("log_lines_lost={}: the log could not be written", lost));
        return ExitCode::io;
    }
    return ExitCode::done;
}

}  // namespace drainpipe
