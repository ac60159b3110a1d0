#include "quantity.hpp"

#include <doctest/doctest.h>

#include "failure.hpp"

using namespace drainpipe;
using std::chrono::microseconds;

namespace {

template <typename Read>
std::string refusal(Read&& read) {
    try {
        read();
    } catch (const Failure& failure) {
        CHECK(failure.code() == ExitCode::usage);
        return failure.what();
    }
    return "";
}

}  // namespace

TEST_SUITE("quantity") {
    TEST_CASE("quantity: durations, sizes and counts are read with their units") {
        CHECK(parse_duration("--grace", "10s") == microseconds(10000000));
        CHECK(parse_duration("--grace", "2m") == microseconds(120000000));
        CHECK(parse_duration("--grace", "5ms") == microseconds(5000));
        CHECK(parse_duration("--grace", "7us") == microseconds(7));
        CHECK(parse_duration("--grace", "0") == microseconds(0));
        CHECK(parse_size("--buffer-size", "16M", 1, 1ull << 31) == 16777216);
        CHECK(parse_size("--buffer-size", "4096", 1, 1ull << 31) == 4096);
        CHECK(parse_size("--buffer-size", "2G", 1, 1ull << 31) == 1ull << 31);
        CHECK(parse_count("--capacity", "262144", 1, 1 << 28) == 262144);
        CHECK(parse_count("--capacity", "262K", 1, 1 << 28) == 262000);
        CHECK(parse_count("--capacity", "2M", 1, 1 << 28) == 2000000);
        CHECK(parse_count("--capacity", "1G", 1, 1ull << 31) == 1000000000);
    }

    TEST_CASE("quantity: what is none is refused, with flag and value") {
        for (const char* text : {"", "10", "s", "-1s", "1.5s", "1h", "10 s",
                                 "99999999999999999999s", "2000m", "1e3s", " 1s"}) {
            const std::string said = refusal([&] { parse_duration("--grace", text); });
            CAPTURE(text);
            CHECK(said.find("--grace: '" + std::string(text) + "'") == 0);
        }
        for (const char* text : {"", "0", "-1", "16X", "1MB", "3G", "99999999999999999999G"}) {
            CAPTURE(text);
            CHECK_FALSE(refusal([&] { parse_size("--s", text, 1, 1ull << 31); }).empty());
        }
        for (const char* text : {"", "0", "-1", "+1", "1e3", "abc", "1K", "0x10", "11", "1k", "K",
                                 "1KB", "99999999999999999999G"}) {
            CAPTURE(text);
            CHECK_FALSE(refusal([&] { parse_count("--n", text, 1, 10); }).empty());
        }
    }

    TEST_CASE("quantity: a duration is shown in the largest unit that is exact") {
        CHECK(to_text(microseconds(10000000)) == "10s");
        CHECK(to_text(microseconds(120000000)) == "120s");
        CHECK(to_text(microseconds(1500000)) == "1500ms");
        CHECK(to_text(microseconds(7)) == "7us");
        CHECK(to_text(microseconds(0)) == "0");
    }
}
