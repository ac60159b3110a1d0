#include "status_json.hpp"

#include <cmath>

#include "json.hpp"

namespace drainpipe {
namespace {

// Figures for people and graphs: more digits than are known would be noise.
double rounded(double value, double steps) { return std::round(value * steps) / steps; }
double milliseconds_of(Status::Seconds time) { return rounded(time.count(), 1000); }
double tenths_of(double value) { return rounded(value, 10); }

Json child_json(const Status::Child& child) {
    return {{"pid", child.pid},
            {"state", to_text(child.state)},
            {"uptime_seconds", milliseconds_of(child.uptime)},
            {"restarts", child.restarts}};
}

Json producer_json(const Status::Producer& producer) {
    Json json = child_json(producer);
    json.set("clients", producer.clients);
    return json;
}

Json consumer_json(const Status::Consumer& consumer) {
    Json json{{"number", consumer.number}};
    json.update(child_json(consumer));
    json.set("in_flight", consumer.in_flight);
    json.set("demand", consumer.demand);
    json.set("jobs", consumer.jobs);
    return json;
}

Json source_json(const Status::Source& source) {
    return {{"url", source.url},
            {"connected", source.is_connected},
            {"pending", source.pending},
            {"ack_pending", source.ack_pending},
            {"unacknowledged", source.unacknowledged},
            {"given_back", source.given_back}};
}

Json stop_json(const Status& status) {
    const Status::Stop& stop = *status.stop;
    return {{"reason", stop.reason},
            {"left", status.left},
            {"done_per_second", tenths_of(status.done_per_second)},
            {"seconds_to_end",
             stop.seconds_to_end ? Json(tenths_of(stop.seconds_to_end->count())) : Json()},
            {"seconds_to_deadline", tenths_of(stop.seconds_to_deadline.count())}};
}

}  // namespace

const char* to_text(Status::Phase phase) {
    switch (phase) {
        case Status::Phase::running:
            return "running";
        case Status::Phase::stopping:
            return "stopping";
        case Status::Phase::draining:
            return "draining";
    }
    return "";
}

const char* to_text(Status::Child::State state) {
    switch (state) {
        case Status::Child::State::gone:
            return "gone";
        case Status::Child::State::starting:
            return "starting";
        case Status::Child::State::running:
            return "running";
        case Status::Child::State::stopped:
            return "stopped";
        case Status::Child::State::waiting:
            return "waiting";
    }
    return "";
}

std::string to_json(const Status& status) {
    Json json{{"name", status.name},
              {"run", status.run},
              {"state", to_text(status.phase)},
              {"uptime_seconds", milliseconds_of(status.uptime)},
              {"accepted", status.accepted},
              {"processed", status.processed},
              {"emptied", status.emptied},
              {"drained", status.drained},
              {"dead", status.dead},
              {"left", status.left},
              {"in_flight", status.in_flight},
              {"buffered", status.buffered},
              {"retrying", status.retrying},
              {"redelivered", status.redelivered},
              {"retried", status.retried},
              {"demand", status.demand},
              {"capacity", status.capacity},
              {"buffer_bytes", status.buffer_bytes},
              {"buffer_used_bytes", status.buffer_used_bytes},
              {"accepted_per_second", tenths_of(status.accepted_per_second)},
              {"done_per_second", tenths_of(status.done_per_second)},
              {"oldest_event_seconds", tenths_of(status.oldest_event.count())},
              {"log_lines_lost", status.log_lines_lost},
              {"launcher", {{"pid", status.launcher}}},
              {"producer", producer_json(status.producer)}};
    Json consumers = Json::array();
    for (const Status::Consumer& consumer : status.consumers) {
        consumers.push_back(consumer_json(consumer));
    }
    json.set("consumers", consumers);
    if (status.source) {
        json.set("source", source_json(*status.source));
    }
    if (status.stop) {
        json.set("stop", stop_json(status));
    }
    return json.dump();
}

}  // namespace drainpipe
