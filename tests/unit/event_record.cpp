#include "event_record.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace drainpipe;

namespace {

std::string shown(std::string_view payload) {
    std::string text;
    append_shown(text, payload);
    return text;
}

std::string record(const EventDone& event) {
    std::string text;
    append_record(text, event);
    return text;
}

}  // namespace

TEST_SUITE("event_record") {
    TEST_CASE("record: it is the contract's line") {
        CHECK(record({Stretch::processed, 17, 1, "17"}) == "processed id=17 payload=17");
        CHECK(record({Stretch::emptied, 18, 1, "a b"}) == "emptied id=18 payload=a b");
        CHECK(record({Stretch::drained, 19, 2, ""}) == "drained id=19 payload= attempt=2");
    }

    TEST_CASE("record: a payload is cut at 64 bytes and its control characters are escaped") {
        CHECK(shown(std::string(64, 'x')) == std::string(64, 'x'));
        CHECK(shown(std::string(65, 'x')) == std::string(64, 'x') + "...");
        CHECK(shown("a\tb\r\x1b[31m\x7f") == "a\\tb\\r\\x1b[31m\\x7f");
        CHECK(shown(std::string_view("\0", 1)) == "\\x00");
        std::string escapes;
        for (int count = 0; count < 64; ++count) escapes += "\\x01";
        CHECK(record({Stretch::processed, UINT64_MAX, UINT32_MAX, std::string(65, '\1')}) ==
              "processed id=18446744073709551615 payload=" + escapes + "... attempt=4294967295");
        CHECK(shown("grüße \"quoted\" \\") == "grüße \"quoted\" \\");
    }
}
