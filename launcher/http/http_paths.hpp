#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "drainpipe/status.hpp"
#include "http_answer.hpp"

namespace drainpipe {

// A launcher that has not looked after its processes for so long supervises no more.
inline constexpr std::chrono::seconds kHeartbeatLimit{5};

// What is answered for a path, by how the pipeline stands; without a status there is none:
//   /metrics  for Prometheus
//   /status   for programs: the same JSON as `launcher status --json`
//   /healthz  200 while the launcher supervises, else 503
//   /readyz   200 while, besides, all processes run and no stop was asked for, else 503
// 503 comes with the reason, as a line of text.
HttpAnswer answer_of(std::string_view path, const std::optional<Status>& status);

}  // namespace drainpipe
