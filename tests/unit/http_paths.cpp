#include "http_paths.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "canned_status.hpp"
#include "metrics.hpp"
#include "metrics_text.hpp"

using namespace drainpipe;
using namespace drainpipe::test;
using namespace std::chrono_literals;

namespace {

// What a path is answered with once the status was changed so.
template <typename Change>
std::string answer_where(std::string_view path, Change&& change) {
    Status status = canned_status();
    change(status);
    const HttpAnswer answer = answer_of(path, status);
    CHECK(answer.content_type == "text/plain; charset=utf-8");
    return std::to_string(answer.status) + " " + answer.body;
}

bool has_line(const std::string& text, const std::string& line) {
    return text.find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

TEST_SUITE("http_paths") {
    TEST_CASE("http paths: all metrics of a pipeline, each with its value") {
        const std::string text = metrics_of(canned_status());
        for (const char* line : {"drainpipe_events_accepted_total{name=\"x\"} 7000",
                                 "drainpipe_events_done_total{name=\"x\",how=\"processed\"} 1500",
                                 "drainpipe_events_done_total{name=\"x\",how=\"emptied\"} 20",
                                 "drainpipe_events_done_total{name=\"x\",how=\"drained\"} 3",
                                 "drainpipe_events_dead_total{name=\"x\"} 3",
                                 "drainpipe_events_redelivered_total{name=\"x\"} 8",
                                 "drainpipe_events_retried_total{name=\"x\"} 9",
                                 "drainpipe_events_in_flight{name=\"x\"} 974",
                                 "drainpipe_events_buffered{name=\"x\"} 4500",
                                 "drainpipe_events_retrying{name=\"x\"} 7",
                                 "drainpipe_demand{name=\"x\"} 26",
                                 "drainpipe_capacity_events{name=\"x\"} 262144",
                                 "drainpipe_buffer_bytes{name=\"x\"} 16777216",
                                 "drainpipe_buffer_used_bytes{name=\"x\"} 31000",
                                 "drainpipe_oldest_event_seconds{name=\"x\"} 12.5",
                                 "drainpipe_consumers{name=\"x\"} 2",
                                 "drainpipe_child_restarts_total{name=\"x\",role=\"producer\"} 1",
                                 "drainpipe_child_restarts_total{name=\"x\",role=\"consumer\"} 5",
                                 "drainpipe_log_lines_lost_total{name=\"x\"} 11",
                                 "drainpipe_work_seconds_bucket{name=\"x\",le=\"0.001\"} 1000",
                                 "drainpipe_work_seconds_bucket{name=\"x\",le=\"0.1\"} 1500",
                                 "drainpipe_work_seconds_bucket{name=\"x\",le=\"+Inf\"} 1520",
                                 "drainpipe_work_seconds_sum{name=\"x\"} 75.5",
                                 "drainpipe_work_seconds_count{name=\"x\"} 1520",
                                 "drainpipe_draining{name=\"x\"} 0"}) {
            CAPTURE(line);
            CHECK(has_line(text, line));
        }
        CHECK(text.find("\ndrainpipe_build_info{name=\"x\",version=\"") != std::string::npos);
        CHECK(text.find("pid") == std::string::npos);
        const HttpAnswer answer = answer_of("/metrics", canned_status());
        CHECK(answer.status == 200);
        CHECK(answer.content_type == MetricsText::kContentType);
        CHECK(answer.body == text);
    }

    TEST_CASE("http paths: a pipeline drains from the request to stop on") {
        for (const auto phase : {Status::Phase::stopping, Status::Phase::draining}) {
            Status status = canned_status();
            status.phase = phase;
            CHECK(has_line(metrics_of(status), "drainpipe_draining{name=\"x\"} 1"));
        }
    }

    TEST_CASE("http paths: the status is one JSON object") {
        const HttpAnswer answer = answer_of("/status", canned_status());
        CHECK(answer.status == 200);
        CHECK(answer.content_type == "application/json");
        CHECK(nlohmann::json::parse(answer.body)["accepted"] == 7000);
    }

    TEST_CASE("http paths: health is a launcher that looks after its processes") {
        CHECK(answer_where("/healthz", [](Status&) {}) == "200 ok\n");
        CHECK(answer_where("/healthz", [](Status& status) { status.last_heartbeat = 12.7s; }) ==
              "503 the launcher has not looked after its processes for 12s\n");
        CHECK(answer_where("/healthz", [](Status& status) {
                  status.phase = Status::Phase::draining;
                  status.producer.state = Status::Child::State::gone;
              }) == "200 ok\n");
    }

    TEST_CASE(
        "http paths: a pipeline is ready while all its processes run and no stop was asked for") {
        CHECK(answer_where("/readyz", [](Status&) {}) == "200 ok\n");
        CHECK(answer_where("/readyz", [](Status& status) {
                  status.producer.state = Status::Child::State::waiting;
              }) == "503 producer state=waiting\n");
        CHECK(answer_where("/readyz", [](Status& status) {
                  status.consumers[1].state = Status::Child::State::stopped;
              }) == "503 consumer.2 state=stopped\n");
        CHECK(answer_where("/readyz", [](Status& status) {
                  status.phase = Status::Phase::draining;
                  status.producer.state = Status::Child::State::gone;
                  status.stop = {
                      .reason = "SIGTERM", .seconds_to_end = {}, .seconds_to_deadline = 9s};
              }) == "503 stopping reason=SIGTERM left=5474\n");
        CHECK(answer_where("/readyz", [](Status& status) { status.last_heartbeat = 60s; }) ==
              "503 the launcher has not looked after its processes for 60s\n");
    }

    TEST_CASE("http paths: without a pipeline all say so, and other paths are not there") {
        for (const char* path : {"/metrics", "/status", "/healthz", "/readyz"}) {
            CAPTURE(path);
            const HttpAnswer answer = answer_of(path, std::nullopt);
            CHECK(answer.status == 503);
            CHECK(answer.body == "there is no pipeline\n");
        }
        for (const char* path : {"/", "", "/metrics/", "/Metrics", "/statusx", "*"}) {
            CAPTURE(path);
            CHECK(answer_of(path, canned_status()).status == 404);
        }
    }
}
