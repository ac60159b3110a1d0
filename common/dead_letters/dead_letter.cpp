#include "dead_letter.hpp"

#include <limits>
#include <utility>

#include "attributes.hpp"
#include "base64.hpp"
#include "escape.hpp"
#include "json.hpp"

namespace drainpipe {
namespace {

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

// Nothing where it is not one of both, or no base64.
std::optional<std::string> payload_of(const Json& object) {
    if (object.contains("payload") == object.contains("payload_base64")) {
        return std::nullopt;
    }
    if (const std::string* const text = object.text("payload")) {
        return *text;
    }
    const std::string* const base64 = object.text("payload_base64");
    return base64 ? base64_decoded(*base64) : std::nullopt;
}

// Nothing where one is no text.
std::optional<std::string> attributes_of(const Json& object) {
    std::string attributes;
    if (!object.contains("attributes")) {
        return attributes;
    }
    const std::optional<Json> members = object.object("attributes");
    if (!members) {
        return std::nullopt;
    }
    for (const std::string& name : members->names()) {
        const std::string* const value = members->text(name);
        if (!value) {
            return std::nullopt;
        }
        attributes.append(name).append(1, '=').append(*value).append(1, '\0');
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
        object.set("payload", letter.payload);
    } else {
        object.set("payload_base64", base64_encoded(letter.payload));
    }
    if (!letter.errors.empty()) {
        object.set("stderr", last_of(letter.errors, DeadLetter::kMaxErrors));
    }
    Json attributes;
    for_each_attribute(letter.attributes, [&](std::string_view name, std::string_view value) {
        attributes.set(name, value);
    });
    if (!attributes.is_null()) {
        object.set("attributes", attributes);
    }
    return object.dump() + "\n";
}

std::optional<DeadLetter> parse_dead_letter(std::string_view line) {
    const std::optional<Json> object = Json::parse(line);
    if (!object) {
        return std::nullopt;
    }
    const std::optional<std::uint64_t> id = object->count("id");
    const std::optional<std::uint64_t> attempts = object->count("attempts");
    const std::string* const run = object->text("run");
    const std::string* const time = object->text("time");
    const std::string* const reason = object->text("reason");
    const std::string* const errors = object->text("stderr");
    std::optional<std::string> payload = payload_of(*object);
    std::optional<std::string> attributes = attributes_of(*object);
    const bool is_whole = id && attempts && run && time && reason && payload && attributes &&
                          (errors || !object->contains("stderr"));
    if (!is_whole || *attempts > std::numeric_limits<std::uint32_t>::max()) {
        return std::nullopt;
    }
    return DeadLetter{
        .id = *id,
        .run = *run,
        .time = *time,
        .attempts = static_cast<std::uint32_t>(*attempts),
        .reason = *reason,
        .payload = std::move(*payload),
        .errors = errors ? *errors : std::string(),
        .attributes = std::move(*attributes),
    };
}

}  // namespace drainpipe
