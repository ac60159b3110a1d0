#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "work.hpp"

namespace drainpipe {

// What a worker says of an event.
struct WorkerAnswer {
    enum class Result { ok, retry, dead };

    std::uint64_t id;
    Result result;
    std::optional<std::string> text;
};

// The lines that a worker gets and gives (docs/worker.md). Plain: "17 1 payload" and "ok 17",
// "ok 17 TEXT", "retry 17 REASON", "dead 17 REASON". JSON: {"id":17,"attempt":1,"payload":"..."}
// and {"id":17,"result":"ok","text":"..."}; where the event has attributes, these as well:
// "attributes":{"NATS_SEQUENCE":"17"}.
class WorkerProtocol {
  public:
    enum class Format { plain, json };

    explicit WorkerProtocol(Format format) : format_(format) {}

    // Why the event can't be sent in this format; empty where it can.
    std::string_view refusal(const Event& event) const;

    // Appends the event's line, with its newline.
    void append_line(std::string& lines, const Event& event) const;

    // Reads an answer, without its newline; nothing where it is none.
    std::optional<WorkerAnswer> parse(std::string_view line) const;

  private:
    Format format_;
};

}  // namespace drainpipe
