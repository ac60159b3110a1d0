#include "worker_process.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

#include "escape.hpp"
#include "quantity.hpp"

namespace drainpipe {
namespace {

// From a closed end of a pipe to the death that it announces.
constexpr std::chrono::seconds kFromClosedToKill{1};
constexpr std::size_t kMostUnsentBytes = 64 * 1024;
constexpr std::size_t kLongestAnswer = std::size_t{1} << 20;
constexpr std::size_t kLongestShown = 200;
constexpr int kReadsAtOnce = 4;

// Whether nobody has the other end of the pipe any more.
bool has_no_reader(int pipe) {
    pollfd wait{pipe, 0, 0};
    return ::poll(&wait, 1, 0) == 1 && (wait.revents & POLLERR) != 0;
}

}  // namespace

WorkerProcess::WorkerProcess(Options options, int epoll, std::size_t place)
    : options_(std::move(options)), process_(epoll, place) {}

bool WorkerProcess::is_due(Clock::time_point now) const {
    return !is_running() && !is_closing_ && start_at_ && now >= *start_at_;
}

void WorkerProcess::start(Clock::time_point now, std::uint64_t serial,
                          const std::string& variable) {
    start_at_ = now;
    std::vector<std::string> environment = options_.environment;
    environment.push_back(variable);
    process_.start(options_.command, nullptr, environment, serial);
    start_at_.reset();
    errors_.clear();
}

bool WorkerProcess::takes_events() const {
    return is_running() && process_.has_input() && why_ended_.empty() && !end_at_ && !is_closing_;
}

std::size_t WorkerProcess::room() const {
    return takes_events() ? options_.window - unanswered_ : 0;
}

void WorkerProcess::send(const Event& event, Clock::time_point now) {
    if (unanswered_ == 0) {
        oldest_since_ = now;
    }
    unsent_.push_back(event);
    ++unanswered_;
}

void WorkerProcess::write(Clock::time_point now) {
    while (process_.has_input()) {
        if (!why_ended_.empty()) {
            process_.watch_input(false);
            return;
        }
        while (!unsent_.empty() && lines_.size() < kMostUnsentBytes) {
            options_.protocol.append_line(lines_, unsent_.front());
            sent_.push_back({unsent_.front(), now});
            unsent_.pop_front();
        }
        if (lines_.empty()) {
            process_.watch_input(false);
            return;
        }
        const ssize_t count =
            ::write(process_.input(), lines_.data() + written_, lines_.size() - written_);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0 && errno == EAGAIN) {
            process_.watch_input(true);
            return;
        }
        if (count < 0) {
            stop_writing(now);
            return;
        }
        written_ += static_cast<std::size_t>(count);
        if (written_ == lines_.size()) {
            lines_.clear();
            written_ = 0;
        }
    }
}

// It reads no more, and so will end.
void WorkerProcess::stop_writing(Clock::time_point now) {
    process_.close_input();
    end_at_ = end_at_.value_or(now + kFromClosedToKill);
}

void WorkerProcess::advance(Channel channel, Clock::time_point now, Told& told) {
    switch (channel) {
        case Channel::input:
            if (process_.has_input() && has_no_reader(process_.input())) {
                stop_writing(now);
            } else {
                write(now);
            }
            break;
        case Channel::output:
            read_answers(now, told);
            break;
        case Channel::errors:
            read_errors();
            break;
        case Channel::death:
            reap(now, told);
            break;
    }
}

void WorkerProcess::read_answers(Clock::time_point now, Told& told) {
    for (int reads = 0; reads < kReadsAtOnce && process_.has_output(); ++reads) {
        const std::size_t before = answers_.size();
        answers_.resize(before + PipedProcess::kReadBytes);
        const ssize_t count =
            ::read(process_.output(), answers_.data() + before, PipedProcess::kReadBytes);
        answers_.resize(before + (count > 0 ? static_cast<std::size_t>(count) : 0));
        if (count == 0 && !is_closing_) {  // no answer can come any more
            end_at_ = end_at_.value_or(now + kFromClosedToKill);
        }
        if (count <= 0) {
            if (count == 0) {
                process_.close_output();
            }
            break;
        }
        std::string_view left = answers_;
        for (auto newline = left.find('\n', before); newline != left.npos;
             newline = left.find('\n')) {
            take_line(left.substr(0, newline), now, told);
            left.remove_prefix(newline + 1);
        }
        answers_.erase(0, answers_.size() - left.size());
        if (answers_.size() > kLongestAnswer) {
            const std::string line = answers_;
            answers_.clear();
            take_line(line, now, told);
        }
        if (static_cast<std::size_t>(count) < PipedProcess::kReadBytes) {
            break;
        }
    }
}

void WorkerProcess::take_line(std::string_view line, Clock::time_point now, Told& told) {
    if (!why_ended_.empty()) {
        return;
    }
    if (line.size() > kLongestAnswer) {
        break_off("an answer of more than 1 MiB", line, told);
        return;
    }
    std::optional<WorkerAnswer> answer = options_.protocol.parse(line);
    if (!answer) {
        break_off("not an answer", line, told);
        return;
    }
    Unanswered* const found = find(answer->id);
    if (found == nullptr) {
        break_off("no such event is out", line, told);
        return;
    }
    found->is_answered = true;
    --unanswered_;
    told.answers.push_back({std::move(*answer), now - found->sent_at});
    if (found == &sent_.front()) {
        while (!sent_.empty() && sent_.front().is_answered) {
            sent_.pop_front();
        }
        oldest_since_ = now;
    }
}

// Nearly all are answered in order, or were at least sent in the order of their ids.
WorkerProcess::Unanswered* WorkerProcess::find(std::uint64_t id) {
    const auto id_of = [](const Unanswered& each) { return each.event.id(); };
    auto found = sent_.begin();
    if (sent_.empty() || found->event.id() != id) {
        found = std::ranges::lower_bound(sent_, id, {}, id_of);
        if (found == sent_.end() || found->event.id() != id || found->is_answered) {
            found = std::ranges::find_if(sent_, [&](const Unanswered& each) {
                return each.event.id() == id && !each.is_answered;
            });
        }
    }
    return found == sent_.end() || found->is_answered ? nullptr : &*found;
}

void WorkerProcess::break_off(const std::string& why, std::string_view line, Told& told) {
    const std::string shown = escaped(whole_characters(line, kLongestShown));
    end_for(why, told);
    told.warning += ": " + shown;
}

void WorkerProcess::end_for(const std::string& why, Told& told) {
    why_ended_ = "protocol error: " + why;
    told.warning =
        options_.label + " pid=" + std::to_string(process_.pid()) + " is ended: " + why_ended_;
    process_.signal(SIGKILL);
}

void WorkerProcess::read_errors() {
    std::array<char, PipedProcess::kReadBytes> bytes;
    for (std::size_t reads = 0; reads < PipedProcess::kMostReads && process_.has_errors();
         ++reads) {
        const ssize_t count = ::read(process_.errors(), bytes.data(), bytes.size());
        if (count == 0) {
            process_.close_errors();
        }
        if (count <= 0) {
            return;
        }
        errors_.add({bytes.data(), static_cast<std::size_t>(count)}, options_.label);
    }
}

void WorkerProcess::reap(Clock::time_point now, Told& told) {
    if (!is_running()) {
        return;
    }
    const pid_t pid = process_.pid();
    const std::string ending = describe_status(process_.reap());
    for (std::size_t reads = 0; reads < PipedProcess::kMostReads && process_.has_output();
         ++reads) {
        read_answers(now, told);
    }
    read_errors();
    errors_.end(options_.label);
    process_.close_all();
    told.has_ended = true;
    fail_unanswered(why_ended_.empty() ? "worker exited " + ending : why_ended_, told);
    if (!is_closing_) {
        start_at_ = is_late_ ? now : policy_.died(now);  // late is an event's fault
        has_failed_ = !start_at_;
        if (why_ended_.empty()) {
            told.warning = options_.label + " pid=" + std::to_string(pid) + " exited " + ending;
        }
    }
    lines_.clear();
    written_ = 0;
    answers_.clear();
    is_late_ = false;
    end_at_.reset();
    why_ended_.clear();
}

void WorkerProcess::fail_unanswered(const std::string& reason, Told& told) {
    for (const Unanswered& each : sent_) {
        if (!each.is_answered) {
            told.failures.push_back({each.event.id(), reason});
        }
    }
    for (const Event& event : unsent_) {
        told.failures.push_back({event.id(), reason});
    }
    sent_.clear();
    unsent_.clear();
    unanswered_ = 0;
}

void WorkerProcess::advance_time(Clock::time_point now, Told& told) {
    const auto due = next_time();
    if (!is_running() || !due || now < *due) {
        return;
    }
    if (end_at_) {  // a closed end that no death followed, or a TERM
        end_at_.reset();
        if (why_ended_.empty()) {
            end_for(process_.has_output() ? "it closed its standard input"
                                          : "it closed its standard output",
                    told);
        } else {
            process_.signal(SIGKILL);
        }
        return;
    }
    why_ended_ = "timeout after " +
                 to_text(std::chrono::duration_cast<std::chrono::microseconds>(options_.timeout));
    is_late_ = true;
    end_at_ = now + PipedProcess::kFromTermToKill;
    process_.signal(SIGTERM);
}

// The time of an event runs from when all that were sent before are answered: it is not the
// worker's fault that others stood before it.
std::optional<WorkerProcess::Clock::time_point> WorkerProcess::next_time() const {
    if (!is_running()) {
        return is_closing_ ? std::nullopt : start_at_;
    }
    if (end_at_ || !why_ended_.empty() || options_.timeout.count() == 0 || unanswered_ == 0) {
        return end_at_;
    }
    return oldest_since_ + options_.timeout;
}

void WorkerProcess::close() {
    is_closing_ = true;
    process_.close_input();
}

}  // namespace drainpipe
