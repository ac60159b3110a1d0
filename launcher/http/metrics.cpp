#include "metrics.hpp"

#include <cstdint>

#include "metrics_text.hpp"

namespace drainpipe {
namespace {

void add_events(MetricsText& metrics, const Status& status) {
    metrics.counter("drainpipe_events_accepted_total",
                    "Events that this run has accepted, and what it has recovered.",
                    status.accepted + (status.source ? status.source->given_back : 0));
    metrics.family("drainpipe_events_done_total", MetricsText::Type::counter,
                   "Events done: before the stop (processed), or after it, of what was in flight "
                   "(emptied) or buffered (drained).");
    metrics.sample({{"how", "processed"}}, status.processed);
    metrics.sample({{"how", "emptied"}}, status.emptied);
    metrics.sample({{"how", "drained"}}, status.drained);
    metrics.counter("drainpipe_events_dead_total", "Events given up, kept among the dead letters.",
                    status.dead);
    metrics.counter("drainpipe_events_redelivered_total",
                    "Events begun again after their process had died.", status.redelivered);
    metrics.counter("drainpipe_events_retried_total", "Attempts after a failure.", status.retried);
    metrics.gauge("drainpipe_events_in_flight", "Events given to a consumer and not done.",
                  status.in_flight);
    metrics.gauge("drainpipe_events_buffered", "Events accepted and not given to a consumer.",
                  status.buffered);
    metrics.gauge("drainpipe_events_retrying",
                  "Events in flight that wait for the next attempt after a failure.",
                  status.retrying);
    metrics.gauge("drainpipe_oldest_event_seconds",
                  "How long ago the oldest event that is not done was accepted; 0 without one.",
                  status.oldest_event.count());
}

void add_source(MetricsText& metrics, const Status::Source& source) {
    metrics.gauge("drainpipe_source_connected", "1 while the source can be reached, else 0.",
                  source.is_connected ? 1 : 0);
    metrics.gauge("drainpipe_source_pending", "Messages that wait at the source.", source.pending);
    metrics.gauge(
        "drainpipe_source_ack_pending",
        "Messages that the source has delivered, to anybody, and that are not acknowledged.",
        source.ack_pending);
    metrics.gauge("drainpipe_events_unacknowledged",
                  "Events done that the source has yet to be told of.", source.unacknowledged);
    metrics.counter("drainpipe_events_given_back_total", "Events given back to the source undone.",
                    source.given_back);
}

void add_room(MetricsText& metrics, const Status& status) {
    metrics.gauge("drainpipe_demand",
                  "Events that the consumers have asked for and not been given.", status.demand);
    metrics.gauge("drainpipe_capacity_events", "Events that the ring can hold.", status.capacity);
    metrics.gauge("drainpipe_buffer_bytes", "Payload bytes that the ring can hold.",
                  status.buffer_bytes);
    metrics.gauge("drainpipe_buffer_used_bytes", "Payload bytes of the events that are not done.",
                  status.buffer_used_bytes);
}

void add_processes(MetricsText& metrics, const Status& status) {
    metrics.gauge("drainpipe_consumers",
                  "Consumers that there are to be, or that are on their way out.",
                  status.consumers.size());
    metrics.family("drainpipe_child_restarts_total", MetricsText::Type::counter,
                   "Processes that the launcher has started again in this run.");
    metrics.sample({{"role", "producer"}}, status.producer.restarts);
    metrics.sample({{"role", "consumer"}}, status.consumer_restarts);
    metrics.counter("drainpipe_log_lines_lost_total", "Lines that could not be written to the log.",
                    status.log_lines_lost);
    metrics.gauge("drainpipe_draining", "1 from the request to stop on, else 0.",
                  status.phase == Status::Phase::running ? 0 : 1);
    metrics.family("drainpipe_build_info", MetricsText::Type::gauge, "1, of this version.");
    metrics.sample({{"version", DRAINPIPE_VERSION}}, 1);
}

void add_work(MetricsText& metrics, const Status& status) {
    MetricsText::Histogram times{
        .buckets = {}, .above = status.work.longer, .sum = status.work.seconds};
    for (const auto& [at_most, events] : status.work.buckets) {
        times.buckets.push_back({at_most, events});
    }
    metrics.histogram("drainpipe_work_seconds",
                      "How long the work on events took: commands, workers and handlers.", times);
}

}  // namespace

std::string metrics_of(const Status& status) {
    MetricsText metrics({"name", status.name});
    add_events(metrics, status);
    if (status.source) {
        add_source(metrics, *status.source);
    }
    add_room(metrics, status);
    add_processes(metrics, status);
    add_work(metrics, status);
    return metrics.text();
}

}  // namespace drainpipe
