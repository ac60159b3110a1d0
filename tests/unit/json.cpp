#include "json.hpp"

#include <doctest/doctest.h>

#include <utility>

using namespace drainpipe;

TEST_SUITE("json") {
    TEST_CASE("json: members keep their order, and every type its look") {
        Json json{{"b", 1},
                  {"a", {{"text", "x\"\n"}, {"none", Json()}}},
                  {"negative", -1},
                  {"largest", ~0ULL},
                  {"real", 0.5},
                  {"yes", true},
                  {"list", Json::array()}};
        json.set("b", "again");
        CHECK(json.dump() == R"({"b":"again","a":{"text":"x\"\n","none":null},"negative":-1,)"
                             R"("largest":18446744073709551615,"real":0.5,"yes":true,"list":[]})");
    }

    TEST_CASE("json: what is not UTF-8 is replaced") {
        CHECK(Json{{"text", std::string_view("a\xff", 2)}}.dump() ==
              "{\"text\":\"a\xef\xbf\xbd\"}");
    }

    TEST_CASE("json: a copy is one of its own") {
        Json one{{"a", 1}};
        Json other = one;
        other.set("a", 2);
        CHECK(one.dump() == R"({"a":1})");
        one = std::move(other);
        CHECK(one.dump() == R"({"a":2})");
    }

    TEST_CASE("json: a member is nothing where it is of another type") {
        const auto json =
            Json::parse(R"({"text":"x","count":7,"less":-7,"null":null,"in":{"n":1}})");
        REQUIRE(json);
        REQUIRE(json->text("text"));
        CHECK(*json->text("text") == "x");
        CHECK(json->count("count") == 7);
        CHECK(!json->text("count"));
        CHECK(!json->count("text"));
        CHECK(!json->count("less"));
        CHECK(!json->object("text"));
        CHECK(json->object("in")->names() == std::vector<std::string>{"n"});
        CHECK(json->is_null("null"));
        CHECK(!json->contains("absent"));
    }

    TEST_CASE("json: a text that is none, or no object, has no members") {
        CHECK(!Json::parse("{"));
        CHECK(!Json::parse(""));
        CHECK(!Json::parse("[1]")->contains("1"));
        CHECK(Json::parse("7")->names().empty());
    }
}
