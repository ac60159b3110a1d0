#include "status_of.hpp"

#include <algorithm>

#include "gauge.hpp"
#include "proc.hpp"

namespace drainpipe {
namespace {

using Nanoseconds = std::chrono::nanoseconds;

// What a rate is told over: the samples are a second apart.
constexpr std::int64_t kRateSpan = 500'000'000;

Status::Child::State state_of(const ChildRecord::Content& record, bool can_see) {
    using State = Status::Child::State;
    const State told = record.state == ChildState::starting  ? State::starting
                       : record.state == ChildState::running ? State::running
                       : record.state == ChildState::waiting ? State::waiting
                                                             : State::gone;
    if (record.pid == 0 || !can_see) {
        return told;
    }
    switch (process_state(record.pid)) {
        case 'T':
        case 't':
            return State::stopped;
        case 'X':
        case 'Z':
            return State::gone;  // the launcher has yet to see it
        default:
            return told;
    }
}

// Builds a Status from one moment's figures.
struct StatusBuilder {
    const SegmentFront& front;
    const Snapshot snapshot = snapshot_of(front);
    const Header& header = front.header;
    const std::int64_t now =
        Nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
    const bool can_see = header.supervision.pid_namespace.load() == own_pid_namespace();

    Status::Seconds since(std::int64_t time) const {
        return time == 0 ? Status::Seconds{} : Nanoseconds(std::max<std::int64_t>(0, now - time));
    }

    Status::Child child(const ChildRecord& record) const {
        const ChildRecord::Content content = record.read();
        return {.pid = can_see ? content.pid : 0,
                .state = state_of(content, can_see),
                .uptime = since(content.started_at),
                .restarts = content.restarts};
    }

    // What a killed process has left in its words is not what it has.
    Status::Producer producer() const {
        const Status::Child child = this->child(header.supervision.producer);
        return {child, child.is_there() ? header.clients.load() : 0};
    }

    void add_rates(Status& status) const {
        const auto base = front.history.before(now, kRateSpan);
        if (!base || base->at >= now) {
            return;
        }
        const double seconds = static_cast<double>(now - base->at) / 1e9;
        const auto rate = [&](std::uint64_t count, std::uint64_t before) {
            return count > before ? static_cast<double>(count - before) / seconds : 0;
        };
        status.accepted_per_second = rate(snapshot.tail, base->accepted);
        status.done_per_second = rate(snapshot.tail - snapshot.account.left, base->done);
    }

    Status::Seconds oldest_event() const {
        return snapshot.account.left == 0 || snapshot.head >= snapshot.tail
                   ? Status::Seconds{}
                   : since(front.history.accepted_at(snapshot.head, now, snapshot.tail));
    }

    std::uint64_t consumer_restarts() const {
        std::uint64_t restarts = 0;
        for (const ChildRecord& record : header.supervision.consumers) {
            restarts += record.read().restarts;
        }
        return restarts;
    }

    std::vector<Status::Consumer> consumers() const {
        std::vector<Status::Consumer> consumers;
        for (std::uint32_t number = 0; number < kMaxConsumers; ++number) {
            const Status::Child child = this->child(header.supervision.consumers[number]);
            if (number < header.consumers.load() || child.state != Status::Child::State::gone) {
                consumers.push_back({child, number + 1, snapshot.consumers[number].in_flight,
                                     snapshot.consumers[number].demand,
                                     child.is_there() ? header.activity[number].jobs() : 0});
            }
        }
        return consumers;
    }

    std::optional<Status::Source> source() const {
        if (header.settings.source != SourceKind::engine) {
            return std::nullopt;
        }
        const std::uint64_t not_settled =
            snapshot.tail - std::min(header.settled.load(), snapshot.tail);
        const std::uint64_t left = snapshot.account.left;
        return Status::Source{.url = header.settings.source_url.data(),
                              .is_connected = header.source_connected.load() != 0,
                              .pending = header.source_pending.load(),
                              .ack_pending = header.source_ack_pending.load(),
                              .unacknowledged = not_settled - std::min(left, not_settled),
                              .given_back = snapshot.account.given_back};
    }

    std::optional<Status::Stop> stop(const Status& status) const {
        const StopReason reason = header.supervision.stop_reason.load();
        if (reason == StopReason::none) {
            return std::nullopt;
        }
        Status::Stop stop{
            .reason = to_text(reason), .seconds_to_end = std::nullopt, .seconds_to_deadline = {}};
        if (status.left == 0 || status.done_per_second > 0) {
            stop.seconds_to_end = Status::Seconds(
                status.left == 0 ? 0 : static_cast<double>(status.left) / status.done_per_second);
        }
        const std::int64_t deadline = header.stop_deadline.load();
        if (deadline == 0) {  // it is stored in a moment
            stop.seconds_to_deadline =
                std::chrono::microseconds(header.settings.grace_microseconds);
        } else if (deadline > now) {
            stop.seconds_to_deadline = Nanoseconds(deadline - now);
        }
        return stop;
    }

    Status::WorkTimes work() const {
        Status::WorkTimes work{};
        for (std::size_t bucket = 0; bucket <= kWorkBounds.size(); ++bucket) {
            std::uint64_t events = 0;
            for (const ConsumerActivity& activity : header.activity) {
                events += activity.work_count(bucket);
            }
            work.events += events;
            if (bucket < kWorkBounds.size()) {
                work.buckets.push_back({static_cast<double>(kWorkBounds[bucket]) / 1e9, events});
            } else {
                work.longer = events;
            }
        }
        for (const ConsumerActivity& activity : header.activity) {
            work.seconds += static_cast<double>(activity.work_nanoseconds()) / 1e9;
        }
        return work;
    }
};

Status::Phase phase_of(const Header& header) {
    const Phase phase = header.phase.load();
    const bool is_stopping = header.supervision.stop_reason.load() != StopReason::none;
    return phase == Phase::running && is_stopping
               ? Status::Phase::stopping
               : static_cast<Status::Phase>(std::min(phase, Phase::draining));
}

}  // namespace

Status status_of(const std::string& name, const SegmentFront& front) {
    const StatusBuilder builder{front};
    const Header& header = front.header;
    const Account& account = builder.snapshot.account;
    const auto heartbeat = front.history.latest();
    Status status{
        .name = name,
        .run = identity_of(header),
        .phase = phase_of(header),
        .uptime = builder.since(header.supervision.started_at.load()),
        .launcher = builder.can_see ? header.settings.launcher_pid : 0,
        .last_heartbeat = builder.since(heartbeat ? heartbeat->at : 0),
        .accepted = account.accepted,
        .processed = account.processed,
        .emptied = account.emptied,
        .drained = account.drained,
        .dead = account.dead,
        .left = account.left,
        .in_flight = account.in_flight,
        .buffered = account.buffered,
        .retrying = builder.snapshot.retrying,
        .redelivered = account.redelivered,
        .retried = account.retried,
        .demand = builder.snapshot.demand,
        .capacity = header.geometry.capacity,
        .buffer_bytes = header.geometry.buffer_bytes,
        .buffer_used_bytes = builder.snapshot.buffer_used_bytes,
        .log_lines_lost = header.log_lines_lost.load(),
        .accepted_per_second = 0,
        .done_per_second = 0,
        .oldest_event = builder.oldest_event(),
        .producer = builder.producer(),
        .consumer_restarts = builder.consumer_restarts(),
        .consumers = builder.consumers(),
        .source = builder.source(),
        .stop = std::nullopt,
        .work = builder.work(),
    };
    builder.add_rates(status);
    status.stop = builder.stop(status);
    return status;
}

}  // namespace drainpipe
