#include "intake_loop.hpp"

#include <fmt/core.h>
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <exception>

#include "earliest.hpp"
#include "gauge.hpp"
#include "poll.hpp"

namespace drainpipe {
namespace {

// Between two looks at whether the source that has the ring waits for room.
constexpr std::chrono::milliseconds kBetweenLooks{1};

}  // namespace

IntakeLoop::IntakeLoop(Segment& segment, const Sources& sources, Log& log, Host& host)
    : segment_(segment), log_(log), host_(host), writer_(segment) {
    for (const std::unique_ptr<Source>& source : sources) {
        entrances_.emplace_back(*this, *source);
    }
}

void IntakeLoop::run() {
    try {
        for (Entrance& entrance : entrances_) {
            entrance.source().begin(entrance);
        }
        serve();
    } catch (...) {
        // The others are told: one with a thread of its own is to use this object no more.
        is_broken_ = true;
        end_sources(Source::Ending::leaving);
        throw;
    }
    segment_.header().clients.store(0);
    if (is_closed_ || host_.is_stopping()) {
        close();
        end_sources(Source::Ending::closed);
    } else {
        end_sources(Source::Ending::leaving);
    }
}

void IntakeLoop::serve() {
    show_clients();  // a killed one's may stand there
    while (!is_over()) {
        wait();
        for (Entrance& entrance : entrances_) {
            if (!is_over()) {
                entrance.source().serve(entrance);
            }
        }
        show_clients();
    }
}

void IntakeLoop::show_clients() {
    std::size_t clients = 0;
    for (const Entrance& entrance : entrances_) {
        clients += entrance.source().clients();
    }
    if (segment_.header().clients.load() != clients) {
        segment_.header().clients.store(static_cast<std::uint32_t>(clients));
    }
}

// Each is told, whatever another one throws.
void IntakeLoop::end_sources(Source::Ending ending) {
    std::exception_ptr thrown;
    for (const Entrance& entrance : entrances_) {
        try {
            entrance.source().end(ending);
        } catch (...) {
            thrown = std::current_exception();
        }
    }
    if (thrown) {
        std::rethrow_exception(thrown);
    }
}

bool IntakeLoop::is_over() const {
    return is_closed_ || is_broken_ || host_.should_leave() || host_.is_stopping();
}

void IntakeLoop::wait() const {
    std::vector<pollfd> waits{{host_.wake_fd(), POLLIN, 0}};
    Earliest next;
    for (const Entrance& entrance : entrances_) {
        waits.push_back({entrance.source().wait_fd(), POLLIN, 0});
        next.take(entrance.source().next_time());
    }
    poll_until(waits, next.time());
}

std::size_t IntakeLoop::Entrance::accept(std::span<const std::string_view> payloads,
                                         Clock::time_point until) {
    return loop_.accept_all(
        source_, payloads.size(), until,
        [&](std::size_t from) { return loop_.writer_.push(payloads.subspan(from)); },
        [&](std::size_t from) { return payloads[from].size(); });
}

std::size_t IntakeLoop::Entrance::accept_records(const Source::Records& records,
                                                 Clock::time_point until) {
    return loop_.accept_all(
        source_, records.count, until,
        [&](std::size_t from) {
            return loop_.writer_.push_records(records.first + from * records.bytes,
                                              records.count - from, records.bytes);
        },
        [&](std::size_t) { return records.bytes; });
}

template <typename Push, typename BytesOf>
std::size_t IntakeLoop::accept_all(Source& source, std::size_t count, Clock::time_point until,
                                   Push push, BytesOf bytes_of) {
    std::size_t accepted = 0;
    std::unique_lock<std::timed_mutex> ring(ring_, std::defer_lock);
    if (!take_ring(ring, until)) {
        return 0;
    }
    while (accepted < count) {
        const RingWriter::Pushed pushed = push(accepted);
        accepted += pushed.count;
        if (pushed.outcome == RingWriter::Outcome::intake_closed) {
            is_closed_ = true;
            break;
        }
        if (pushed.outcome == RingWriter::Outcome::full) {
            source.on_full(accepted);
            if (!wait_for_room(bytes_of(accepted), until)) {
                break;
            }
        }
    }
    return accepted;
}

bool IntakeLoop::take_ring(std::unique_lock<std::timed_mutex>& ring,
                           Clock::time_point until) const {
    if (until == Source::kNever) {
        return ring.try_lock();
    }
    while (!ring.try_lock_until(std::min(until, Clock::now() + kBetweenLooks))) {
        if ((is_full_ && is_over()) || Clock::now() >= until) {
            return false;
        }
    }
    return true;
}

bool IntakeLoop::wait_for_room(std::size_t payload_bytes, Clock::time_point until) {
    if (until == Source::kNever) {
        return false;
    }
    is_full_ = true;
    const bool is_limited = until != Source::kForever;
    const bool has_room = writer_.wait_for_room(
        payload_bytes,
        [this] {
            say_who_holds_up();
            return is_over();
        },
        is_limited ? std::optional(until) : std::nullopt);
    is_full_ = false;
    stall_.end();
    return has_room && !is_over();
}

void IntakeLoop::say_who_holds_up() {
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

void IntakeLoop::close() {
    if (writer_.close_intake()) {
        log_.info("intake closed accepted={}",
                  account_of(segment_.header(), segment_.states()).accepted);
    }
}

}  // namespace drainpipe
