#include "wire.hpp"

#include <doctest/doctest.h>

using namespace drainpipe::wire;

namespace {

std::string without_newline(std::string line) {
    REQUIRE(line.back() == '\n');
    line.pop_back();
    return line;
}

}  // namespace

TEST_SUITE("wire") {
    TEST_CASE("wire: every answer is read as it was written") {
        const auto accepted = parse_answer(without_newline(accepted_line(17)));
        REQUIRE(accepted);
        CHECK(accepted->kind == Answer::Kind::accepted);
        CHECK(accepted->accepted == 17);
        for (const Reason reason :
             {Reason::end, Reason::shutdown, Reason::leaving, Reason::stalled}) {
            const auto closed = parse_answer(without_newline(closed_line(9, reason)));
            REQUIRE(closed);
            CHECK(closed->kind == Answer::Kind::closed);
            CHECK(closed->accepted == 9);
            CHECK(closed->reason == reason);
        }
        const auto refused = parse_answer(without_newline(refused_line(3, 200, 100)));
        REQUIRE(refused);
        CHECK(refused->kind == Answer::Kind::refused);
        CHECK(refused->event == 3);
    }

    TEST_CASE("wire: what is no answer is none") {
        for (const char* line :
             {"", "accepted=", "accepted=x", "accepted=1 ", "closed", "hello", "refused x",
              "closed accepted=1", "closed accepted=1 reason=tired"}) {
            CAPTURE(line);
            CHECK_FALSE(parse_answer(line));
        }
    }
}
