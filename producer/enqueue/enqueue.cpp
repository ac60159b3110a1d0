#include "enqueue.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "failure.hpp"
#include "poll.hpp"
#include "signals.hpp"

namespace drainpipe {

Enqueue::Enqueue(Descriptor connection, Descriptor signals, PayloadSource& source,
                 Clock::time_point deadline)
    : connection_(std::move(connection)),
      signals_(std::move(signals)),
      source_(source),
      progress_(source.total()),
      deadline_(deadline) {}

Enqueue::Result Enqueue::run() {
    while (!is_closed_ && !is_broken_) {
        wait();
        heed_signal();
        heed_time();
        if (!is_finished_) {
            send_some();
        }
        hear();
        progress_.show(accepted_);
    }
    return result();
}

void Enqueue::wait() const {
    const bool has_unsent = sent_ < unsent_.size();
    const bool wants_input = !is_finished_ && !has_unsent && has_more_;
    if (wants_input && source_.fd() < 0) {
        return;
    }
    const short for_connection = static_cast<short>(POLLIN | (has_unsent ? POLLOUT : 0));
    std::array<pollfd, 3> waits{{{connection_.get(), for_connection, 0},
                                 {signals_.get(), POLLIN, 0},
                                 {wants_input ? source_.fd() : -1, POLLIN, 0}}};
    const Clock::time_point until = std::min(is_late_ ? give_up_at_ : deadline_, give_up_at_);
    ::poll(waits.data(), waits.size(), milliseconds_until(until));
}

void Enqueue::send_some() {
    if (sent_ == unsent_.size()) {
        unsent_.clear();
        sent_ = 0;
        pollfd input{source_.fd(), POLLIN, 0};
        const bool is_ready = source_.fd() < 0 || ::poll(&input, 1, 0) > 0;
        if (has_more_ && is_ready) {
            fill();
        }
    }
    while (sent_ < unsent_.size()) {
        const ssize_t count =
            ::send(connection_.get(), unsent_.data() + sent_, unsent_.size() - sent_, MSG_NOSIGNAL);
        if (count >= 0) {
            sent_ += static_cast<std::size_t>(count);
        } else if (errno == EAGAIN) {
            return;
        } else if (errno != EINTR) {
            // The intake has closed; why and with how many, it said before.
            is_finished_ = true;
            return;
        }
    }
    if (!has_more_ && !is_finished_) {
        finish_sending();
    }
}

void Enqueue::fill() {
    try {
        has_more_ = source_.fill(unsent_);
    } catch (const Failure& failure) {
        source_failure_ = failure.what();
        finish_sending();
    }
}

void Enqueue::finish_sending() {
    is_finished_ = true;
    unsent_.clear();
    sent_ = 0;
    ::shutdown(connection_.get(), SHUT_WR);
}

void Enqueue::heed_signal() {
    const int signal = take_signal(signals_);
    if (signal == 0) {
        return;
    }
    is_broken_ = signal_ != 0;
    signal_ = signal;
    stop_sending();
}

void Enqueue::heed_time() {
    const Clock::time_point now = Clock::now();
    if (now >= deadline_ && !is_late_) {
        is_late_ = true;
        stop_sending();
    }
    is_broken_ = is_broken_ || now >= give_up_at_;
}

// And waits for the exact count.
void Enqueue::stop_sending() {
    was_cut_short_ = was_cut_short_ || has_more_ || sent_ < unsent_.size();
    if (!is_finished_) {
        finish_sending();
    }
    give_up_at_ = std::min(give_up_at_, Clock::now() + kFarewell);
}

void Enqueue::hear() {
    std::array<char, 4096> bytes;
    while (true) {
        const ssize_t count = ::recv(connection_.get(), bytes.data(), bytes.size(), 0);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0 && errno == EAGAIN) {
            return;
        }
        if (count <= 0) {
            is_broken_ = !is_closed_;
            return;
        }
        unheard_.append(bytes.data(), static_cast<std::size_t>(count));
        std::size_t begin = 0;
        for (std::size_t end; (end = unheard_.find('\n', begin)) != std::string::npos;
             begin = end + 1) {
            hear_line(unheard_.substr(begin, end - begin));
        }
        unheard_.erase(0, begin);
    }
}

void Enqueue::hear_line(const std::string& line) {
    const std::optional<wire::Answer> answer = wire::parse_answer(line);
    if (!answer) {
        return;
    }
    switch (answer->kind) {
        case wire::Answer::Kind::accepted:
            accepted_ = answer->accepted;
            if (give_up_at_ < Clock::time_point::max()) {
                give_up_at_ = Clock::now() + kFarewell;  // it goes on
            }
            break;
        case wire::Answer::Kind::refused:
            source_.refused(answer->event);
            if (refusal_.empty()) {
                refusal_ = line;
            }
            break;
        case wire::Answer::Kind::closed:
            accepted_ = answer->accepted;
            reason_ = answer->reason;
            is_closed_ = true;
            break;
    }
}

Enqueue::Result Enqueue::result() const {
    const auto stopped = [this](ExitCode code, const std::string& complaint) {
        return Result{accepted_, code, complaint};
    };
    if (!is_closed_ && (signal_ != 0 || is_late_)) {
        const std::string why =
            signal_ != 0 ? "stopped by " + signal_name(signal_) : std::string("the time is over");
        return stopped(signal_ != 0 ? ExitCode::io : ExitCode::taken,
                       why +
                           " while the pipeline takes nothing: so many are in for certain, more "
                           "may follow");
    }
    if (!is_closed_) {
        return stopped(ExitCode::io,
                       "the connection broke; more events than that may have been accepted");
    }
    if (reason_ == wire::Reason::shutdown) {
        return stopped(ExitCode::taken, "the pipeline is shutting down");
    }
    if (reason_ == wire::Reason::leaving) {
        return stopped(ExitCode::io, "the producer left and is started again; send the rest anew");
    }
    if (reason_ == wire::Reason::stalled) {
        return stopped(ExitCode::io, "the intake did not wait for the rest of a large payload");
    }
    if (!source_failure_.empty()) {
        return stopped(ExitCode::io, source_failure_);
    }
    if (signal_ != 0) {
        return stopped(static_cast<ExitCode>(128 + signal_), "stopped by " + signal_name(signal_));
    }
    if (is_late_ && was_cut_short_) {
        return stopped(ExitCode::taken, "the time is over, and the rest was not sent");
    }
    if (!refusal_.empty()) {
        return stopped(ExitCode::usage, "too large for the pipeline's buffer: " + refusal_);
    }
    return stopped(ExitCode::done, "");
}

}  // namespace drainpipe
