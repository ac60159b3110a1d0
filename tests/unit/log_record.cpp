#include "log_record.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace drainpipe;

namespace {

const std::string kPrefix = "2026-11-22T17:40:01.123456Z [17] ";

std::optional<LogRecord> parsed(const std::string& rest) { return parse_record(kPrefix + rest); }

}  // namespace

TEST_SUITE("log_record") {
    TEST_CASE("a record is taken apart by its fields") {
        const std::string line = kPrefix + "[consumer.2] [warning] name=mail ring full for=5s";
        const auto record = parse_record(line);
        REQUIRE(record);
        CHECK(time_to_text(record->time) == "2026-11-22T17:40:01.123456Z");
        CHECK(record->pid == 17);
        CHECK(record->speaker == Speaker{Program::consumer, 2});
        CHECK(record->level == Level::warning);
        CHECK(record->name == "mail");
        CHECK(record->message == "ring full for=5s");
    }

    TEST_CASE("without a name it is the default pipeline's") {
        const std::string line = kPrefix + "[consumer] [info] drained all";
        const auto record = parse_record(line);
        REQUIRE(record);
        CHECK(record->name == "drainpipe");
        CHECK(record->speaker == Speaker{Program::consumer, 1});
    }

    TEST_CASE("what is shaped otherwise is no record") {
        for (const std::string line :
             {"", "hello", "[enqueue] [info] x", "[consumer.0] [info] x", "[consumer.65] [info] x",
              "[consumer.1x] [info] x", "[launcher] [loud] x", "[launcher] [info]",
              "[launcher] [info]x", "[launcher", "[launcher] [info] x\r",
              "[launcher] [info] \x1b[2J"}) {
            CAPTURE(line);
            CHECK_FALSE(parsed(line));
        }
        CHECK_FALSE(parse_record("2026-13-22T17:40:01.123456Z [17] [launcher] [info] x"));
        CHECK_FALSE(parse_record("2026-11-22T17:40:01.123456Z [x] [launcher] [info] x"));
        CHECK_FALSE(parse_record("2026-11-22 17:40:01.123456Z [17] [launcher] [info] x"));
        CHECK_FALSE(parsed(std::string("[launcher] [info] a\0b", 21)));
    }

    TEST_CASE("an event's record says what became of it") {
        const auto event = parse_event("processed id=17 attempt=2 took=0.012s payload=17");
        REQUIRE(event);
        CHECK(event->kind == EventKind::processed);
        CHECK(event->id == 17);
        CHECK(event->attempt == 2);
        CHECK(event->took == 12000);
        const auto plain = parse_event("drained id=18446744073709551615 payload=");
        REQUIRE(plain);
        CHECK(plain->kind == EventKind::drained);
        CHECK(plain->id == 18446744073709551615u);
    }

    TEST_CASE("nothing in a payload or a reason is taken for a key") {
        const auto event = parse_event(
            R"(failed id=3 attempt=1 reason="a \" payload=x attempt=9" retry_in=0.1s payload= took=9s)");
        REQUIRE(event);
        CHECK(event->attempt == 1);
        CHECK(event->reason == R"(a \" payload=x attempt=9)");
        CHECK_FALSE(event->took);
    }

    TEST_CASE("a message of no event is none") {
        for (const std::string message :
             {"", "processed", "processed id=", "processed id=x payload=1", "processed id=1",
              "processed id=0 payload=1", "dead id=1 reason=\"open payload=1", "summary accepted=1",
              "processed id=99999999999999999999 payload=1"}) {
            CAPTURE(message);
            CHECK_FALSE(parse_event(message));
        }
    }

    TEST_CASE("values are found by their whole keys") {
        const char* const message = "child exited role=consumer.2 pid=3 uptime=1.500s";
        CHECK(value_of(message, "role") == "consumer.2");
        CHECK(number_of(message, "pid") == 3);
        CHECK(seconds_of(message, "uptime") == 1500000);
        CHECK_FALSE(value_of(message, "id"));
        CHECK_FALSE(number_of(message, "role"));
        CHECK_FALSE(seconds_of("uptime=infs", "uptime"));
        CHECK_FALSE(seconds_of("uptime=-1s", "uptime"));
    }
}
