#include "intake.hpp"

#include <poll.h>
#include <spdlog/fmt/fmt.h>

#include <array>
#include <chrono>

#include "gauge.hpp"
#include "poll.hpp"

namespace drainpipe {

Intake::Intake(Segment& segment, Source& source, Log& log, Host& host)
    : segment_(segment), source_(source), log_(log), host_(host), writer_(segment) {}

void Intake::run() {
    while (!is_over()) {
        wait();
        if (!is_over()) {
            source_.serve(*this);
        }
    }
    if (is_closed_ || host_.is_stopping()) {
        close();
        source_.end(Source::Ending::closed);
    } else {
        source_.end(Source::Ending::leaving);
    }
}

bool Intake::is_over() const { return is_closed_ || host_.should_leave() || host_.is_stopping(); }

void Intake::wait() const {
    std::array<pollfd, 2> waits{{{source_.wait_fd(), POLLIN, 0}, {host_.wake_fd(), POLLIN, 0}}};
    const auto next = source_.next_time();
    ::poll(waits.data(), waits.size(), next ? milliseconds_until(*next) : -1);
}

std::size_t Intake::accept(std::span<const std::string_view> payloads) {
    std::size_t accepted = 0;
    while (accepted < payloads.size()) {
        const RingWriter::Pushed pushed = writer_.push(payloads.subspan(accepted));
        accepted += pushed.count;
        if (pushed.outcome == RingWriter::Outcome::intake_closed) {
            is_closed_ = true;
            break;
        }
        if (pushed.outcome == RingWriter::Outcome::full) {
            source_.on_full(accepted);
            wait_for_room(payloads[accepted].size());
            if (is_over()) {
                break;
            }
        }
    }
    return accepted;
}

void Intake::wait_for_room(std::size_t payload_bytes) {
    writer_.wait_for_room(payload_bytes, [this] {
        say_who_holds_up();
        return is_over();
    });
    stall_.end();
}

void Intake::say_who_holds_up() {
    const auto stalled = stall_.look(segment_.header().head.load(), Stall::Clock::now());
    if (!stalled) {
        return;
    }
    const RingWriter::Oldest oldest = writer_.oldest();
    host_.warn(fmt::format("ring full for={:.0f}s oldest_event={} held_by={}{}",
                           std::chrono::duration<double>(*stalled).count(), oldest.event + 1,
                           oldest.consumer ? host_.describe_consumer(*oldest.consumer) : "nobody",
                           oldest.waits_for_retry ? ": it has failed and is being retried" : ""));
}

void Intake::close() {
    if (writer_.close_intake()) {
        log_.info("intake closed accepted={}",
                  account_of(segment_.header(), segment_.states()).accepted);
    }
}

}  // namespace drainpipe
