#include "worker_work.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <system_error>
#include <thread>
#include <utility>

#include "earliest.hpp"
#include "failure.hpp"
#include "jobs_limit.hpp"
#include "signals.hpp"

namespace drainpipe {

WorkerWork::WorkerWork(Options options, Results& results,
                       std::function<void(const std::string&)> warn)
    : command_(options.command),
      protocol_(options.format),
      results_(results),
      warn_(std::move(warn)),
      epoll_(make_epoll_descriptor()) {
    require_descriptors_for(options.jobs);
    handle_ignored_signals();
    workers_.reserve(options.jobs);
    for (std::uint32_t place = 0; place < options.jobs; ++place) {
        const std::string number = std::to_string(place + 1);
        std::vector<std::string> environment = options.environment;
        environment.push_back("DRAINPIPE_WORKER=" + number);
        environment.emplace_back("PYTHONUNBUFFERED=1");
        workers_.emplace_back(WorkerProcess::Options{.command = command_,
                                                     .protocol = protocol_,
                                                     .environment = std::move(environment),
                                                     .label = "worker[" + number + "]",
                                                     .window = options.window,
                                                     .timeout = options.timeout},
                              epoll_.get(), place);
    }
    start_workers(Clock::now());
}

void WorkerWork::start_workers(Clock::time_point now) {
    if (try_at_ && now < *try_at_) {
        return;
    }
    try_at_.reset();
    try {
        for (WorkerProcess& worker : workers_) {
            if (worker.is_due(now)) {
                const std::uint64_t serial = ++last_serial_;
                worker.start(now, serial, leftovers_.variable(serial));
                leftovers_.started();
            }
        }
        is_warned_ = false;
    } catch (const std::system_error& error) {
        try_at_ = now + kBetweenTries;
        if (!std::exchange(is_warned_, true)) {
            warn_(std::string(error.what()) + ": it is tried again until it can be started");
        }
    }
}

std::size_t WorkerWork::room() const {
    std::size_t room = 0;
    for (const WorkerProcess& worker : workers_) {
        room += worker.room();
    }
    return room;
}

std::size_t WorkerWork::start(std::span<const Event> events) {
    const Clock::time_point now = Clock::now();
    for (const Event& event : events) {
        if (!protocol_.refusal(event).empty()) {
            refused_.push_back(event);
            continue;
        }
        std::ranges::min_element(workers_, {}, [](const WorkerProcess& worker) {
            return std::pair(!worker.takes_events(), worker.unanswered());
        })->send(event, now);
    }
    return events.size();
}

void WorkerWork::advance(Outcomes& outcomes) {
    Clock::time_point now = Clock::now();
    tell_refused(outcomes);
    for (WorkerProcess& worker : workers_) {
        worker.write(now);
    }
    std::array<epoll_event, 64> ready;
    const int count = ::epoll_wait(epoll_.get(), ready.data(), ready.size(), 0);
    if (count > 0) {
        gather_answers();
        now = Clock::now();
    }
    std::size_t answers = 0;
    for (int index = 0; index < count; ++index) {
        const auto [place, channel] =
            PipedProcess::ready_of(ready[static_cast<std::size_t>(index)].data.u64);
        WorkerProcess& worker = workers_[place];
        WorkerProcess::Told told;
        worker.advance(channel, now, told);
        tell(worker, told, outcomes);
        answers += told.answers.size();
    }
    if (answers > 0) {
        note_answers(answers, now);
    }
    for (WorkerProcess& worker : workers_) {
        WorkerProcess::Told told;
        worker.advance_time(now, told);
        tell(worker, told, outcomes);
    }
    if (leftovers_.next_time() && now >= *leftovers_.next_time()) {
        leftovers_.sweep(running());
    }
    start_workers(now);
}

void WorkerWork::gather_answers() const {
    if (std::ranges::none_of(workers_, &WorkerProcess::has_many)) {
        return;
    }
    std::size_t unanswered = 0;
    for (const WorkerProcess& worker : workers_) {
        unanswered += worker.unanswered();
    }
    const std::chrono::nanoseconds half = interval_ * static_cast<std::int64_t>(unanswered / 2);
    std::this_thread::sleep_for(
        std::clamp<std::chrono::nanoseconds>(half, kLeastGather, kMostGather));
}

// A pause in which there was nothing to answer says nothing.
void WorkerWork::note_answers(std::size_t answers, Clock::time_point now) {
    if (now - answered_at_ < 2 * kMostGather) {
        interval_ = (now - answered_at_) / static_cast<std::int64_t>(answers);
    }
    answered_at_ = now;
}

void WorkerWork::tell(const WorkerProcess& worker, const WorkerProcess::Told& told,
                      Outcomes& outcomes) {
    for (const WorkerProcess::Answered& answered : told.answers) {
        if (answered.answer.result == WorkerAnswer::Result::ok && answered.answer.text) {
            results_.add_line(answered.answer.id, *answered.answer.text);
        }
    }
    results_.flush();
    if (!told.warning.empty()) {
        warn_(told.warning);
    }
    for (const WorkerProcess::Answered& answered : told.answers) {
        tell_answer(worker, answered, outcomes);
    }
    for (const WorkerProcess::Failed& failed : told.failures) {
        outcomes.failed(failed.id, failed.reason, worker.last_errors());
    }
    if (told.has_ended) {
        leftovers_.sweep(running());
    }
    if (worker.has_failed()) {
        throw Failure(ExitCode::software, "a worker died more than " +
                                              std::to_string(RestartPolicy::kMaxDeaths) +
                                              " times in 10s: '" + command_.text() + "'");
    }
}

void WorkerWork::tell_answer(const WorkerProcess& worker, const WorkerProcess::Answered& answered,
                             Outcomes& outcomes) {
    const WorkerAnswer& answer = answered.answer;
    outcomes.worked(answered.took, 1);
    const std::string_view reason = answer.text ? std::string_view(*answer.text) : "";
    switch (answer.result) {
        case WorkerAnswer::Result::ok:
            outcomes.done(answer.id, answered.took);
            break;
        case WorkerAnswer::Result::retry:
            outcomes.failed(answer.id, reason, worker.last_errors());
            break;
        case WorkerAnswer::Result::dead:
            outcomes.dead(answer.id, reason, worker.last_errors());
            break;
    }
}

std::size_t WorkerWork::jobs() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        workers_, [](const WorkerProcess& worker) { return worker.is_running(); }));
}

void WorkerWork::tell_refused(Outcomes& outcomes) {
    for (const Event& event : std::exchange(refused_, {})) {
        outcomes.dead(event.id(), protocol_.refusal(event), "");
    }
}

Leftovers::Running WorkerWork::running() const {
    Leftovers::Running running;
    for (const WorkerProcess& worker : workers_) {
        if (worker.is_running()) {
            running.emplace(worker.process().serial(), worker.process().pid());
        }
    }
    return running;
}

std::optional<Work::Clock::time_point> WorkerWork::next_time() const {
    Earliest next;
    next.take(leftovers_.next_time());
    if (!refused_.empty()) {
        next.take(Clock::now());
    }
    for (const WorkerProcess& worker : workers_) {
        const auto time = worker.next_time();
        next.take(time && !worker.is_running() && try_at_ ? std::max(*time, *try_at_) : time);
    }
    return next.time();
}

void WorkerWork::close() {
    for (WorkerProcess& worker : workers_) {
        worker.close();
    }
}

bool WorkerWork::is_closed() const {
    return std::ranges::none_of(workers_, &WorkerProcess::is_running) && !leftovers_.are_expected();
}

}  // namespace drainpipe
