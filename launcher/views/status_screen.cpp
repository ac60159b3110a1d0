#include "status_screen.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "figures.hpp"
#include "status_json.hpp"

namespace drainpipe {
namespace {

constexpr std::size_t kBarPlaces = 24;

double share_of(std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

// One that can't be seen from here has none.
std::string pid_text(std::int64_t pid) { return pid == 0 ? "-" : std::to_string(pid); }

std::string title_of(const Status& status) {
    return fmt::format("{}  {}  up {}  run {}  launcher {}", status.name, to_text(status.phase),
                       time_text(status.uptime.count()), status.run, pid_text(status.launcher));
}

// How full events and bytes have the ring, whichever is nearer to its limit.
std::string ring_line(const Status& status) {
    const double share = std::max(share_of(status.left, status.capacity),
                                  share_of(status.buffer_used_bytes, status.buffer_bytes));
    return fmt::format("ring      {} {:3.0f} %  {} of {} events, {} of {}",
                       bar_text(share, kBarPlaces), 100 * share, grouped(status.left),
                       grouped(status.capacity), bytes_text(status.buffer_used_bytes),
                       bytes_text(status.buffer_bytes));
}

std::string source_line(const Status::Source& source) {
    return fmt::format("source    {}  {}, pending {}, ack pending {}, unacknowledged {}",
                       source.url, source.is_connected ? "connected" : "not connected",
                       grouped(source.pending), grouped(source.ack_pending),
                       grouped(source.unacknowledged)) +
           (source.given_back > 0 ? ", given back " + grouped(source.given_back) : "");
}

std::string stop_line(const Status& status) {
    const Status::Stop& stop = *status.stop;
    return fmt::format("stop      {}  {} left, {}, {} to the end, {} to the deadline", stop.reason,
                       grouped(status.left), rate_text(status.done_per_second),
                       stop.seconds_to_end ? time_text(stop.seconds_to_end->count()) : "unknown",
                       time_text(stop.seconds_to_deadline.count()));
}

std::string child_line(const std::string& role, const Status::Child& child,
                       const std::string& more) {
    return fmt::format(
        "{:<12}{:>8}  {:<9}{:>12}{:>10}  {}", role, pid_text(child.pid), to_text(child.state),
        child.uptime.count() > 0 ? time_text(child.uptime.count()) : "-", child.restarts, more);
}

void add_children(const Status& status, std::vector<std::string>& lines) {
    lines.push_back(
        fmt::format("{:<12}{:>8}  {:<9}{:>12}{:>10}", "process", "pid", "state", "up", "restarts"));
    lines.push_back(child_line("producer", status.producer,
                               fmt::format("clients {}", status.producer.clients)));
    for (const Status::Consumer& consumer : status.consumers) {
        const bool is_alone = status.consumers.size() == 1;
        lines.push_back(child_line(
            is_alone ? "consumer" : fmt::format("consumer.{}", consumer.number), consumer,
            fmt::format("in flight {}, demand {}{}", consumer.in_flight, consumer.demand,
                        consumer.jobs > 0 ? fmt::format(", jobs {}", consumer.jobs) : "")));
    }
}

}  // namespace

std::vector<std::string> screen_of(const Status& status) {
    std::vector<std::string> lines{title_of(status), ""};
    lines.push_back(fmt::format("accepted  {:>15}  {}", grouped(status.accepted),
                                rate_text(status.accepted_per_second)));
    lines.push_back(fmt::format("done      {:>15}  {:<10} processed {}, emptied {}, drained {}",
                                grouped(status.done()), rate_text(status.done_per_second),
                                status.processed, status.emptied, status.drained));
    lines.push_back(fmt::format("left      {:>15}  {:<10} in flight {}, buffered {}, retrying {}",
                                grouped(status.left), "", grouped(status.in_flight),
                                grouped(status.buffered), grouped(status.retrying)));
    lines.push_back(fmt::format("dead      {:>15}  {:<10} redelivered {}, retried {}",
                                grouped(status.dead), "", grouped(status.redelivered),
                                grouped(status.retried)));
    lines.push_back(
        fmt::format("oldest    {:>15}  ago was the oldest event accepted that is not done",
                    status.left == 0 ? "-" : time_text(status.oldest_event.count())));
    lines.push_back(ring_line(status));
    if (status.source) {
        lines.push_back(source_line(*status.source));
    }
    if (status.log_lines_lost > 0) {
        lines.push_back(fmt::format("log       {:>15}  lines lost: it can't be written",
                                    grouped(status.log_lines_lost)));
    }
    if (status.stop) {
        lines.push_back(stop_line(status));
    }
    lines.emplace_back();
    add_children(status, lines);
    return lines;
}

}  // namespace drainpipe
