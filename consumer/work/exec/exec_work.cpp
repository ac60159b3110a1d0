#include "exec_work.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "attributes.hpp"
#include "earliest.hpp"
#include "jobs_limit.hpp"
#include "signals.hpp"

namespace drainpipe {
namespace {

bool is_shortage(const std::system_error& error) {
    constexpr std::array kShortages{EAGAIN, ENOMEM, EMFILE, ENFILE, ENOSPC};
    return std::ranges::find(kShortages, error.code().value()) != kShortages.end();
}

}  // namespace

ExecWork::ExecWork(Options options, Results& results, std::function<void(const std::string&)> warn)
    : options_(std::move(options)),
      command_(options_.command),
      results_(results),
      warn_(std::move(warn)),
      epoll_(make_epoll_descriptor()) {
    require_descriptors_for(options_.jobs);
    handle_ignored_signals();
    for (std::size_t place = options_.jobs; place > 0; --place) {
        free_.push_back(place - 1);
    }
    runs_.reserve(options_.jobs);
    for (std::size_t place = 0; place < options_.jobs; ++place) {
        runs_.emplace_back(epoll_.get(), place);
    }
}

std::size_t ExecWork::room() const {
    const std::size_t taken = waiting_.size() * options_.batch + forming_.size();
    const std::size_t whole = free_.size() * options_.batch;
    return whole > taken ? whole - taken : 0;
}

// What was begun before goes alone, so that of a batch that failed only the bad one ends among the
// dead letters.
std::size_t ExecWork::start(std::span<const Event> events) {
    for (const Event& event : events) {
        if (options_.batch == 1 || event.attempt() > 1) {
            waiting_.push_back({event});
            continue;
        }
        if (forming_.empty()) {
            forming_since_ = Clock::now();
        }
        forming_.push_back(event);
        if (forming_.size() == options_.batch) {
            close_batch();
        }
    }
    return events.size();
}

void ExecWork::close_batch() {
    waiting_.push_back(std::exchange(forming_, {}));
    forming_since_.reset();
}

bool ExecWork::is_batch_due(Clock::time_point now) const {
    return forming_since_ && (is_stopping_ || now >= *forming_since_ + options_.batch_wait);
}

void ExecWork::advance(Outcomes& outcomes) {
    take_ready(outcomes);
    const Clock::time_point now = Clock::now();
    if (options_.timeout.count() > 0) {
        for (CommandRun& run : runs_) {
            run.end_if_late(now);
        }
    }
    if (leftovers_.next_time() && now >= *leftovers_.next_time()) {
        leftovers_.sweep(running());
    }
    if (is_batch_due(now)) {
        close_batch();
    }
    start_batches(now, outcomes);
}

void ExecWork::start_batches(Clock::time_point now, Outcomes& outcomes) {
    if (try_at_ && now < *try_at_) {
        return;
    }
    try_at_.reset();
    while (!waiting_.empty() && !free_.empty()) {
        CommandRun& run = runs_[free_.back()];
        if (!start_run(run, waiting_.front(), outcomes)) {
            try_at_ = now + kBetweenTries;
            return;
        }
        waiting_.pop_front();
        if (run.is_running()) {
            free_.pop_back();
        }
    }
}

bool ExecWork::start_run(CommandRun& run, const Batch& batch, Outcomes& outcomes) {
    const Event& first = batch.front();
    std::string input;
    if (options_.batch == 1) {
        input = first.payload();
    } else {
        for (const Event& event : batch) {
            input.append(event.payload()).append(1, '\n');
        }
    }
    const bool is_argument = batch.size() == 1 && first.payload().size() <= kLongestArgument &&
                             first.payload().find('\0') == std::string_view::npos;
    const std::string argument(is_argument ? first.payload() : "");
    const std::uint64_t serial = ++last_serial_;
    std::vector<std::string> environment = options_.environment;
    environment.push_back("DRAINPIPE_ID=" + std::to_string(first.id()));
    environment.push_back("DRAINPIPE_ATTEMPT=" + std::to_string(first.attempt()));
    for_each_attribute(first.attributes(), [&](std::string_view name, std::string_view value) {
        environment.push_back("DRAINPIPE_" + std::string(name) + "=" + std::string(value));
    });
    environment.push_back(leftovers_.variable(serial));
    try {
        run.start(command_, batch, std::move(input), is_argument ? &argument : nullptr, environment,
                  serial, options_.timeout);
        leftovers_.started();
        is_warned_ = false;
    } catch (const std::system_error& error) {
        if (is_shortage(error)) {
            if (!std::exchange(is_warned_, true)) {
                warn_(std::string(error.what()) + ": it is tried again until it can be started");
            }
            return false;
        }
        for (const Event& event : batch) {
            outcomes.failed(event.id(), error.what(), "");
        }
    }
    return true;
}

void ExecWork::take_ready(Outcomes& outcomes) {
    std::array<epoll_event, 64> ready;
    const int count = ::epoll_wait(epoll_.get(), ready.data(), ready.size(), 0);
    // Deaths last: what a command has said comes before.
    for (const bool is_death : {false, true}) {
        for (int index = 0; index < count; ++index) {
            const auto [place, channel] =
                PipedProcess::ready_of(ready[static_cast<std::size_t>(index)].data.u64);
            if ((channel == CommandRun::Channel::death) != is_death) {
                continue;
            }
            CommandRun& run = runs_[place];
            if (const auto ended = run.advance(channel)) {
                end(run, *ended, outcomes);
            }
        }
    }
}

void ExecWork::end(CommandRun& run, const CommandRun::Ended& ended, Outcomes& outcomes) {
    leftovers_.sweep(running());
    if (ended.is_success) {
        results_.add(run.events().front().id(), run.output());
        results_.flush();
    }
    outcomes.worked(ended.took, run.events().size());
    const bool is_alone = run.events().size() == 1;
    for (const Event& event : run.events()) {
        if (ended.is_success) {
            outcomes.done(event.id(), ended.took);
        } else if (ended.is_dead && is_alone) {
            outcomes.dead(event.id(), ended.reason, run.last_errors());
        } else {
            outcomes.failed(event.id(), ended.reason, run.last_errors());
        }
    }
    run.clear();
    free_.push_back(static_cast<std::size_t>(&run - runs_.data()));
}

Leftovers::Running ExecWork::running() const {
    Leftovers::Running running;
    for (const CommandRun& run : runs_) {
        if (run.is_running()) {
            running.emplace(run.process().serial(), run.process().pid());
        }
    }
    return running;
}

std::optional<Work::Clock::time_point> ExecWork::next_time() const {
    Earliest next;
    next.take(leftovers_.next_time());
    if (forming_since_) {
        next.take(is_stopping_ ? Clock::now() : *forming_since_ + options_.batch_wait);
    }
    if (!waiting_.empty() && !free_.empty()) {
        next.take(try_at_.value_or(Clock::now()));
    }
    for (const CommandRun& run : runs_) {
        next.take(run.next_time());
    }
    return next.time();
}

}  // namespace drainpipe
