#include "worker_protocol.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

using drainpipe::Event;
using drainpipe::WorkerAnswer;
using drainpipe::WorkerProtocol;
using Format = WorkerProtocol::Format;
using Result = WorkerAnswer::Result;

namespace {

const WorkerProtocol kPlainProtocol(Format::plain);
const WorkerProtocol kJsonProtocol(Format::json);

std::string line_of(const WorkerProtocol& protocol, std::string_view payload) {
    std::string lines = "before\n";
    protocol.append_line(lines, Event(17, 2, payload));
    REQUIRE(lines.starts_with("before\n"));
    return lines.substr(7);
}

void check_answer(const WorkerProtocol& protocol, std::string_view line, std::uint64_t id,
                  Result result, const std::optional<std::string>& text) {
    CAPTURE(line);
    const auto answer = protocol.parse(line);
    REQUIRE(answer.has_value());
    CHECK(answer->id == id);
    CHECK(answer->result == result);
    CHECK(answer->text == text);
}

}  // namespace

TEST_SUITE("worker_protocol") {
    TEST_CASE("plain: a line is the id, the attempt and the payload as it is") {
        CHECK(line_of(kPlainProtocol, "the payload") == "17 2 the payload\n");
        CHECK(line_of(kPlainProtocol, "") == "17 2 \n");
        CHECK(line_of(kPlainProtocol, "  a\tb\r\xff ") == "17 2   a\tb\r\xff \n");
        const std::string with_zero("a\0b", 3);
        CHECK(line_of(kPlainProtocol, with_zero) == "17 2 " + with_zero + "\n");
        std::string lines;
        kPlainProtocol.append_line(lines, Event(18446744073709551615U, 4294967295U, "x"));
        CHECK(lines == "18446744073709551615 4294967295 x\n");
    }

    TEST_CASE("plain: a payload with a newline is refused, with what helps, and no other is") {
        for (const std::string payload : {"\n", "a\nb", "a\n"}) {
            CHECK(kPlainProtocol.refusal({1, 1, payload}) ==
                  "payload has a newline: use --worker-format json");
            CHECK(kJsonProtocol.refusal({1, 1, payload}) == "");
        }
        CHECK(kPlainProtocol.refusal({1, 1, "a\r\xff"}) == "");
    }

    TEST_CASE("plain: the six answers") {
        check_answer(kPlainProtocol, "ok 17", 17, Result::ok, std::nullopt);
        check_answer(kPlainProtocol, "ok 17 a  text ", 17, Result::ok, "a  text ");
        check_answer(kPlainProtocol, "retry 1", 1, Result::retry, std::nullopt);
        check_answer(kPlainProtocol, "retry 1 not now", 1, Result::retry, "not now");
        check_answer(kPlainProtocol, "dead 2", 2, Result::dead, std::nullopt);
        check_answer(kPlainProtocol, "dead 2 \xff", 2, Result::dead, "\xff");
        check_answer(kPlainProtocol, "ok 17 ", 17, Result::ok, "");
        check_answer(kPlainProtocol, "ok 18446744073709551615", 18446744073709551615U, Result::ok,
                     std::nullopt);
    }

    TEST_CASE("plain: any other line is no answer") {
        for (const std::string line : {"",
                                       " ",
                                       "ok",
                                       "ok ",
                                       "ok  17",
                                       " ok 17",
                                       "OK 17",
                                       "okay 17",
                                       "ok x",
                                       "ok 17x",
                                       "ok 17\r",
                                       "ok\t17",
                                       "ok -17",
                                       "ok +17",
                                       "ok 1.5",
                                       "ok 0x11",
                                       "ok 18446744073709551616",
                                       "done 17",
                                       "17 ok",
                                       R"({"id":17,"result":"ok"})"}) {
            CAPTURE(line);
            CHECK_FALSE(kPlainProtocol.parse(line).has_value());
        }
    }

    TEST_CASE("json: a line is an object, with the payload as text where it is UTF-8") {
        CHECK(line_of(kJsonProtocol, "the payload") ==
              "{\"id\":17,\"attempt\":2,\"payload\":\"the payload\"}\n");
        CHECK(line_of(kJsonProtocol, "") == "{\"id\":17,\"attempt\":2,\"payload\":\"\"}\n");
        const std::string awkward("\"quotes\" \\ \n \t \x01 \x7f \0 \xc3\xa9 \xf0\x9f\x98\x80", 28);
        const std::string line = line_of(kJsonProtocol, awkward);
        CHECK(line.find('\n') == line.size() - 1);
        CHECK(nlohmann::json::parse(line)["payload"].get<std::string>() == awkward);
    }

    TEST_CASE("json: attributes are an object of their own, where there are any") {
        const std::string attributes("NATS_SUBJECT=orders.\xff\0NATS_SEQUENCE=17\0", 39);
        std::string lines;
        kJsonProtocol.append_line(lines, Event(17, 2, "x", "", attributes));
        CHECK(lines ==
              "{\"id\":17,\"attempt\":2,\"payload\":\"x\",\"attributes\":{"
              "\"NATS_SUBJECT\":\"orders.\xef\xbf\xbd\",\"NATS_SEQUENCE\":\"17\"}}\n");
        CHECK(line_of(kJsonProtocol, "x").find("attributes") == std::string::npos);
    }

    TEST_CASE("json: what is not UTF-8 is base64") {
        CHECK(line_of(kJsonProtocol, "\xff\xfe") ==
              "{\"id\":17,\"attempt\":2,\"payload_base64\":\"//4=\"}\n");
        // Too long a form, a surrogate, above the last character, cut short, a stray byte.
        for (const std::string payload : {"\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80",
                                          "\xf4\x90\x80\x80", "a\xc3", "\x80", "\xf8\x88\x80"}) {
            CAPTURE(payload);
            const auto object = nlohmann::json::parse(line_of(kJsonProtocol, payload));
            CHECK(object.contains("payload_base64"));
            CHECK_FALSE(object.contains("payload"));
        }
    }

    TEST_CASE("json: the answers") {
        check_answer(kJsonProtocol, R"({"id":17,"result":"ok"})", 17, Result::ok, std::nullopt);
        check_answer(kJsonProtocol, R"( {"text":"a \"b\"\n\u00e9", "result":"ok", "id":17} )", 17,
                     Result::ok, "a \"b\"\n\xc3\xa9");
        check_answer(kJsonProtocol, R"({"id":17,"result":"ok","text":null})", 17, Result::ok,
                     std::nullopt);
        check_answer(kJsonProtocol, R"({"id":1,"result":"retry","text":"why","more":[{}]})", 1,
                     Result::retry, "why");
        check_answer(kJsonProtocol, R"({"id":1,"result":"dead","text":""})", 1, Result::dead, "");
        check_answer(kJsonProtocol, R"({"id":18446744073709551615,"result":"ok"})",
                     18446744073709551615U, Result::ok, std::nullopt);
    }

    TEST_CASE("json: any other line is no answer") {
        for (const std::string line :
             {"", "ok 17", "17", "null", "[]", "{}", R"({"id":17})", R"({"result":"ok"})",
              R"({"id":"17","result":"ok"})", R"({"id":-1,"result":"ok"})",
              R"({"id":1.5,"result":"ok"})", R"({"id":17,"result":"fine"})",
              R"({"id":17,"result":true})", R"({"id":17,"result":"ok","text":1})",
              R"({"id":17,"result":"ok")", R"({"id":17,"result":"ok"} x)",
              R"([{"id":17,"result":"ok"}])", "{\"id\":17,\"result\":\"ok\",\"text\":\"\xff\"}",
              R"({"id":18446744073709551616,"result":"ok"})"}) {
            CAPTURE(line);
            CHECK_FALSE(kJsonProtocol.parse(line).has_value());
        }
        CHECK_FALSE(kJsonProtocol.parse(std::string(100'000, '[')).has_value());
    }
}
