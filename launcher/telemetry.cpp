#include "telemetry.hpp"

#include "account.hpp"
#include "proc.hpp"

namespace drainpipe {
namespace {

std::int64_t nanoseconds_of(Telemetry::Clock::time_point time) {
    return std::chrono::nanoseconds(time.time_since_epoch()).count();
}

ChildRecord::Content content_of(const ManagedProcess& process) {
    const bool is_child = process.child.is_running();
    const ChildState state = process.is_ready() ? ChildState::running
                             : is_child         ? ChildState::starting
                             : process.start_at ? ChildState::waiting
                                                : ChildState::gone;
    return {.pid = process.is_running() ? process.pid() : 0,
            .state = state,
            .started_at = is_child ? nanoseconds_of(process.child.started_at()) : 0,
            .restarts = process.restarts};
}

}  // namespace

Telemetry::Telemetry(Segment& segment, Log& log) : segment_(segment), log_(log) {
    Supervision& supervision = segment_.header().supervision;
    supervision.pid_namespace.store(own_pid_namespace());
    supervision.started_at.store(nanoseconds_of(Clock::now()));
    tick();
}

void Telemetry::show(std::span<const ManagedProcess> processes) {
    Supervision& supervision = segment_.header().supervision;
    supervision.producer.write(content_of(processes.front()));
    const auto consumers = processes.subspan(1);
    for (std::size_t number = 0; number < consumers.size(); ++number) {
        supervision.consumers[number].write(content_of(consumers[number]));
    }
}

void Telemetry::show_stop(StopReason reason) {
    segment_.header().supervision.stop_reason.store(reason);
}

void Telemetry::tick() {
    const Clock::time_point now = Clock::now();
    if (now < next_tick_) {
        return;
    }
    next_tick_ = now + (now - begun_at_ < kFirst ? kFirstInterval : Clock::duration(kInterval));
    const SegmentFront front = segment_.front();
    const Account account = account_of(front.header, front.states);
    const std::uint64_t before_run = front.header.settled_before_run.load();
    const std::uint64_t accepted = before_run + account.accepted;
    segment_.history().append({nanoseconds_of(now), accepted, accepted - account.left});
    if (now >= next_record_) {
        record(account, now);
    }
}

void Telemetry::record(const Account& account, Clock::time_point now) {
    if (account.accepted == accepted_ && account.left == left_) {
        return;
    }
    accepted_ = account.accepted;
    left_ = account.left;
    next_record_ = now - begun_at_ < kWhile ? now : now + kRecordInterval;
    log_.info("progress accepted={} done={} dead={} left={}", account.accepted, account.done(),
              account.dead, account.left);
}

}  // namespace drainpipe
