#include "http_paths.hpp"

#include <string>

#include "metrics.hpp"
#include "metrics_text.hpp"
#include "status_json.hpp"

namespace drainpipe {
namespace {

// Why not; empty where there is no reason.
using Reason = std::string;

Reason reason_of_no_health(const Status& status) {
    if (status.last_heartbeat <= kHeartbeatLimit) {
        return "";
    }
    const auto seconds = std::chrono::floor<std::chrono::seconds>(status.last_heartbeat).count();
    return "the launcher has not looked after its processes for " + std::to_string(seconds) + "s";
}

Reason reason_of_absence(const std::string& role, const Status::Child& child) {
    return child.state == Status::Child::State::running
               ? ""
               : role + " state=" + std::string(to_text(child.state));
}

Reason reason_of_stop(const Status& status) {
    if (status.phase == Status::Phase::running) {
        return "";
    }
    const std::string cause = status.stop ? status.stop->reason : "";
    return "stopping reason=" + cause + " left=" + std::to_string(status.left);
}

Reason reason_of_no_readiness(const Status& status) {
    Reason reason = reason_of_no_health(status);
    if (reason.empty()) {
        reason = reason_of_stop(status);
    }
    if (reason.empty()) {
        reason = reason_of_absence("producer", status.producer);
    }
    if (reason.empty() && status.source && !status.source->is_connected) {
        reason = "not connected to source=" + status.source->url;
    }
    for (const Status::Consumer& consumer : status.consumers) {
        if (reason.empty()) {
            reason = reason_of_absence("consumer." + std::to_string(consumer.number), consumer);
        }
    }
    return reason;
}

HttpAnswer verdict(const Reason& reason) {
    return {.status = reason.empty() ? 200 : 503, .body = (reason.empty() ? "ok" : reason) + "\n"};
}

}  // namespace

HttpAnswer answer_of(std::string_view path, const std::optional<Status>& status) {
    if (path != "/metrics" && path != "/status" && path != "/healthz" && path != "/readyz") {
        return {.status = 404, .body = "there is /metrics, /status, /healthz and /readyz\n"};
    }
    if (!status) {
        return verdict("there is no pipeline");
    }
    if (path == "/metrics") {
        return {.content_type = std::string(MetricsText::kContentType),
                .body = metrics_of(*status)};
    }
    if (path == "/status") {
        return {.content_type = "application/json", .body = to_json(*status) + "\n"};
    }
    return verdict(path == "/healthz" ? reason_of_no_health(*status)
                                      : reason_of_no_readiness(*status));
}

}  // namespace drainpipe
