#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace drainpipe {

// A JSON value of nlohmann's library, which is compiled in one place: a file that includes it takes
// seconds more. The members of an object keep their order.
class Json {
  public:
    struct Member;

    Json();  // null
    Json(bool value);
    Json(double value);
    template <std::unsigned_integral Number>
    Json(Number value) : Json(Count{value}) {}
    template <std::signed_integral Number>
    Json(Number value) : Json(Integer{value}) {}
    Json(std::string_view text);
    Json(const std::string& text) : Json(std::string_view(text)) {}
    Json(const char* text) : Json(std::string_view(text)) {}
    Json(std::initializer_list<Member> members);  // an object
    static Json array();
    // Nothing where the text is not JSON.
    static std::optional<Json> parse(std::string_view text);

    ~Json();
    Json(const Json& other);
    Json(Json&& other) noexcept;
    Json& operator=(const Json& other);
    Json& operator=(Json&& other) noexcept;

    // In place of a member of that name, or as the last one. Requires an object or null.
    void set(std::string_view name, const Json& value);
    // The other object's members, as set() would. Requires objects.
    void update(const Json& other);
    // As the last element. Requires an array.
    void push_back(const Json& value);

    // On one line. What is not UTF-8 in a text is replaced.
    std::string dump() const;

    bool is_null() const;
    // The members of an object; any other value is taken for one that has none.
    bool contains(std::string_view name) const;
    bool is_null(std::string_view name) const;
    std::vector<std::string> names() const;
    // Nothing where there is no such member, or one of another type.
    const std::string* text(std::string_view name) const;
    std::optional<std::uint64_t> count(std::string_view name) const;
    std::optional<Json> object(std::string_view name) const;

  private:
    struct Count {
        std::uint64_t value;
    };
    struct Integer {
        std::int64_t value;
    };
    explicit Json(Count count);
    explicit Json(Integer integer);
    explicit Json(const nlohmann::ordered_json& value);

    const nlohmann::ordered_json* find(std::string_view name) const;

    std::unique_ptr<nlohmann::ordered_json> value_;  // null only where it was moved from
};

struct Json::Member {
    std::string_view name;
    Json value;
};

}  // namespace drainpipe
