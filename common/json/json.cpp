#include "json.hpp"

#include <nlohmann/json.hpp>
#include <utility>

namespace drainpipe {

using Value = nlohmann::ordered_json;

Json::Json() : value_(std::make_unique<Value>()) {}
Json::Json(bool value) : value_(std::make_unique<Value>(value)) {}
Json::Json(double value) : value_(std::make_unique<Value>(value)) {}
Json::Json(std::string_view text) : value_(std::make_unique<Value>(text)) {}
Json::Json(Count count) : value_(std::make_unique<Value>(count.value)) {}
Json::Json(Integer integer) : value_(std::make_unique<Value>(integer.value)) {}
Json::Json(const Value& value) : value_(std::make_unique<Value>(value)) {}

Json::Json(std::initializer_list<Member> members)
    : value_(std::make_unique<Value>(Value::object())) {
    for (const Member& member : members) {
        set(member.name, member.value);
    }
}

Json Json::array() { return Json(Value::array()); }

std::optional<Json> Json::parse(std::string_view text) {
    Value value = Value::parse(text, nullptr, false);
    if (value.is_discarded()) {
        return std::nullopt;
    }
    Json json;
    *json.value_ = std::move(value);
    return json;
}

Json::~Json() = default;
Json::Json(const Json& other) : Json(*other.value_) {}
Json::Json(Json&& other) noexcept = default;
Json& Json::operator=(const Json& other) {
    value_ = std::make_unique<Value>(*other.value_);
    return *this;
}
Json& Json::operator=(Json&& other) noexcept = default;

void Json::set(std::string_view name, const Json& value) {
    (*value_)[std::string(name)] = *value.value_;
}

void Json::update(const Json& other) { value_->update(*other.value_); }

void Json::push_back(const Json& value) { value_->push_back(*value.value_); }

std::string Json::dump() const {
    return value_->dump(-1, ' ', false, Value::error_handler_t::replace);
}

bool Json::is_null() const { return value_->is_null(); }

const Value* Json::find(std::string_view name) const {
    if (!value_->is_object()) {
        return nullptr;
    }
    const auto found = value_->find(std::string(name));
    return found == value_->end() ? nullptr : &*found;
}

bool Json::contains(std::string_view name) const { return find(name) != nullptr; }

bool Json::is_null(std::string_view name) const {
    const Value* const member = find(name);
    return member && member->is_null();
}

std::vector<std::string> Json::names() const {
    std::vector<std::string> names;
    if (value_->is_object()) {
        for (const auto& member : value_->items()) {
            names.push_back(member.key());
        }
    }
    return names;
}

const std::string* Json::text(std::string_view name) const {
    const Value* const member = find(name);
    return member ? member->get_ptr<const std::string*>() : nullptr;
}

std::optional<std::uint64_t> Json::count(std::string_view name) const {
    const Value* const member = find(name);
    const std::uint64_t* const count = member ? member->get_ptr<const std::uint64_t*>() : nullptr;
    return count ? std::optional(*count) : std::nullopt;
}

std::optional<Json> Json::object(std::string_view name) const {
    const Value* const member = find(name);
    return member && member->is_object() ? std::optional(Json(*member)) : std::nullopt;
}

}  // namespace drainpipe
