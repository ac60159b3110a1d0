#include "dead_letter.hpp"

#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "attributes.hpp"
#include "base64.hpp"
#include "escape.hpp"

namespace drainpipe {
namespace {

using Json = nlohmann::ordered_json;

// The text's end; a character that the cut would split is left out.
std::string_view last_of(std::string_view text, std::size_t max_size) {
    if (text.size() <= max_size) {
        return text;
    }
    text.remove_prefix(text.size() - max_size);
    for (int passed = 0; passed < 3 && (static_cast<unsigned char>(text[0]) & 0xc0) == 0x80;
         ++passed) {
        text.remove_prefix(1);
    }
    return text;
}

// Read the value of a key, or throw Json::exception where it is not there or of another type.
std::string text_at(const Json& object, const char* key) {
    return object.at(key).get_ref<const std::string&>();
}

std::uint64_t count_at(const Json& object, const char* key) {
    return object.at(key).get_ref<const std::uint64_t&>();
}

// Nothing where it is not one of both, or no base64.
std::optional<std::string> payload_of(const Json& object) {
    if (object.contains("payload") == object.contains("payload_base64")) {
        return std::nullopt;
    }
    return object.contains("payload") ? text_at(object, "payload")
                                      : base64_decoded(text_at(object, "payload_base64"));
}

std::string attributes_of(const Json& object) {
    std::string attributes;
    if (object.contains("attributes")) {
        for (const auto& [name, value] : object.at("attributes").items()) {
            attributes.append(name).append(1, '=').append(value.get_ref<const std::string&>());
            attributes.append(1, '\0');
        }
    }
    return attributes;
}

}  // namespace

std::string to_line(const DeadLetter& letter) {
    Json object{{"id", letter.id},
                {"run", letter.run},
                {"time", letter.time},
                {"attempts", letter.attempts},
                {"reason", letter.reason}};
    if (is_utf8(letter.payload)) {
        object["payload"] = letter.payload;
    } else {
        object["payload_base64"] = base64_encoded(letter.payload);
    }
    if (!letter.errors.empty()) {
        object["stderr"] = std::string(last_of(letter.errors, DeadLetter::kMaxErrors));
    }
    for_each_attribute(letter.attributes, [&](std::string_view name, std::string_view value) {
        object["attributes"][std::string(name)] = value;
    });
    return object.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::optional<DeadLetter> parse_dead_letter(std::string_view line) {
    try {
        const Json object = Json::parse(line);
        std::optional<std::string> payload = payload_of(object);
        const std::uint64_t attempts = count_at(object, "attempts");
        if (!payload || attempts > std::numeric_limits<std::uint32_t>::max()) {
            return std::nullopt;
        }
        return DeadLetter{
            .id = count_at(object, "id"),
            .run = text_at(object, "run"),
            .time = text_at(object, "time"),
            .attempts = static_cast<std::uint32_t>(attempts),
            .reason = text_at(object, "reason"),
            .payload = std::move(*payload),
            .errors = object.contains("stderr") ? text_at(object, "stderr") : std::string(),
            .attributes = attributes_of(object),
        };
    } catch (const Json::exception&) {
        return std::nullopt;
    }
}

}  // namespace drainpipe
