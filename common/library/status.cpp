#include "drainpipe/status.hpp"

#include "status_of.hpp"

namespace drainpipe {

Status status_of(const std::string& name, const Header& header, const EventStates& states) {
    const Account account = account_of(header, states);
    return {.name = name,
            .run = identity_of(header),
            .launcher = header.settings.launcher_pid,
            .phase = static_cast<Status::Phase>(header.phase.load()),
            .consumers = header.consumers.load(),
            .accepted = account.accepted,
            .processed = account.processed,
            .emptied = account.emptied,
            .drained = account.drained,
            .dead = account.dead,
            .left = account.left,
            .in_flight = account.in_flight,
            .buffered = account.buffered,
            .redelivered = account.redelivered,
            .retried = account.retried,
            .capacity = header.geometry.capacity,
            .buffer_bytes = header.geometry.buffer_bytes};
}

Status read_status(const std::string& name) {
    const Gauge gauge(name);
    return status_of(name, gauge.header(), gauge.states());
}

}  // namespace drainpipe
