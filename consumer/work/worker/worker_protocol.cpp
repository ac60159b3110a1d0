#include "worker_protocol.hpp"

#include <charconv>

#include "attributes.hpp"
#include "base64.hpp"
#include "escape.hpp"
#include "json.hpp"

namespace drainpipe {
namespace {

using Result = WorkerAnswer::Result;

std::optional<Result> result_of(std::string_view word) {
    if (word == "ok") {
        return Result::ok;
    }
    if (word == "retry") {
        return Result::retry;
    }
    return word == "dead" ? std::optional(Result::dead) : std::nullopt;
}

void append_number(std::string& lines, std::uint64_t number) {
    char text[20];
    lines.append(text, std::to_chars(text, text + sizeof text, number).ptr);
}

std::optional<WorkerAnswer> parse_plain(std::string_view line) {
    const auto word_end = line.find(' ');
    const std::optional<Result> result = result_of(line.substr(0, word_end));
    if (!result || word_end == std::string_view::npos) {
        return std::nullopt;
    }
    line.remove_prefix(word_end + 1);
    WorkerAnswer answer{.id = 0, .result = *result, .text = std::nullopt};
    const char* const end = line.data() + line.size();
    const auto [rest, error] = std::from_chars(line.data(), end, answer.id);
    if (error != std::errc() || (rest != end && *rest != ' ')) {
        return std::nullopt;
    }
    if (rest != end) {
        answer.text.emplace(rest + 1, end);
    }
    return answer;
}

std::optional<WorkerAnswer> parse_json(std::string_view line) {
    const std::optional<Json> object = Json::parse(line);
    const std::optional<std::uint64_t> id = object ? object->count("id") : std::nullopt;
    const std::string* const word = object ? object->text("result") : nullptr;
    const std::optional<Result> result = word ? result_of(*word) : std::nullopt;
    if (!id || !result) {
        return std::nullopt;
    }
    WorkerAnswer answer{.id = *id, .result = *result, .text = std::nullopt};
    if (const std::string* const text = object->text("text")) {
        answer.text = *text;
    } else if (object->contains("text") && !object->is_null("text")) {
        return std::nullopt;
    }
    return answer;
}

}  // namespace

std::string_view WorkerProtocol::refusal(const Event& event) const {
    const bool has_newline =
        format_ == Format::plain && event.payload().find('\n') != event.payload().npos;
    return has_newline ? "payload has a newline: use --worker-format json" : "";
}

void WorkerProtocol::append_line(std::string& lines, const Event& event) const {
    if (format_ == Format::plain) {
        append_number(lines, event.id());
        lines += ' ';
        append_number(lines, event.attempt());
        lines.append(1, ' ').append(event.payload()).append(1, '\n');
        return;
    }
    const bool is_text = is_utf8(event.payload());
    Json object{{"id", event.id()}, {"attempt", event.attempt()}};
    if (is_text) {
        object.set("payload", event.payload());
    } else {
        object.set("payload_base64", base64_encoded(event.payload()));
    }
    Json attributes;
    for_each_attribute(event.attributes(), [&](std::string_view name, std::string_view value) {
        attributes.set(name, value);
    });
    if (!attributes.is_null()) {
        object.set("attributes", attributes);
    }
    lines.append(object.dump()).append(1, '\n');
}

std::optional<WorkerAnswer> WorkerProtocol::parse(std::string_view line) const {
    return format_ == Format::plain ? parse_plain(line) : parse_json(line);
}

}  // namespace drainpipe
