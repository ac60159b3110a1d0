#include "event_record.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <string_view>

using namespace drainpipe;

namespace {

std::string record(CompletionKind kind, const Event& event, Took took = std::nullopt) {
    std::array<char, kMaxRecord> text;
    return {text.data(), write_record(text.data(), kind, event, took)};
}

// How a record shows the payload.
std::string shown(std::string_view payload) {
    constexpr std::string_view kBefore = "drained id=1 payload=";
    const std::string text = record(CompletionKind::drained, {1, 1, payload});
    REQUIRE(text.starts_with(kBefore));
    return text.substr(kBefore.size());
}

}  // namespace

TEST_SUITE("event_record") {
    TEST_CASE("record: it is the contract's line") {
        CHECK(record(CompletionKind::processed, {17, 1, "17"}) == "processed id=17 payload=17");
        CHECK(record(CompletionKind::emptied, {18, 1, "a b"}) == "emptied id=18 payload=a b");
        CHECK(record(CompletionKind::drained, {19, 2, ""}) == "drained id=19 attempt=2 payload=");
    }

    TEST_CASE("record: a payload is cut at 64 bytes and its control characters are escaped") {
        CHECK(shown(std::string(64, 'x')) == std::string(64, 'x'));
        CHECK(shown(std::string(65, 'x')) == std::string(64, 'x') + "...");
        CHECK(shown("a\tb\r\x1b[31m\x7f") == "a\\tb\\r\\x1b[31m\\x7f");
        CHECK(shown(std::string_view("\0", 1)) == "\\x00");
        std::string escapes;
        for (int count = 0; count < 64; ++count) escapes += "\\x01";
        CHECK(record(CompletionKind::processed, {UINT64_MAX, UINT32_MAX, std::string(65, '\1')}) ==
              "processed id=18446744073709551615 attempt=4294967295 payload=" + escapes + "...");
        CHECK(shown("grüße \"quoted\" \\") == "grüße \"quoted\" \\");
    }

    TEST_CASE("record: control characters of two bytes are escaped, other text never is") {
        CHECK(shown("a\xc2\x80z") == "a\\xc2\\x80z");
        CHECK(shown("\xc2\x9bm") == "\\xc2\\x9bm");
        CHECK(shown("\xc2\x9f\n") == "\\xc2\\x9f\\n");
        CHECK(shown("\xc2\xa0 \xc2\xbb") == "\xc2\xa0 \xc2\xbb");
        CHECK(shown("\xc4\x9b \xe2\x82\xac \xf0\x9f\x98\x80") ==
              "\xc4\x9b \xe2\x82\xac \xf0\x9f\x98\x80");
    }

    TEST_CASE("record: what is not UTF-8 is escaped, byte by byte") {
        CHECK(shown("\xc2") == "\\xc2");
        CHECK(shown("\xc2\xc2\x85") == "\\xc2\\xc2\\x85");
        CHECK(shown("gr\xfc\xdf") == "gr\\xfc\\xdf");
        CHECK(shown("\xe2\x82z") == "\\xe2\\x82z");
        CHECK(shown("\xc0\xaf \xe0\x9f\xbf \xf0\x8f\xbf\xbf") ==
              "\\xc0\\xaf \\xe0\\x9f\\xbf \\xf0\\x8f\\xbf\\xbf");    // overlong
        CHECK(shown("\xed\xa0\x80") == "\\xed\\xa0\\x80");           // a surrogate
        CHECK(shown("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");  // above U+10FFFF
        CHECK(shown("\xff\xc3\xa4") == "\\xff\xc3\xa4");
    }

    TEST_CASE("record: the cut falls before a character that has no room whole") {
        const std::string euro = "\xe2\x82\xac";
        const std::string smile = "\xf0\x9f\x98\x80";
        CHECK(shown(std::string(61, 'x') + euro) == std::string(61, 'x') + euro);
        CHECK(shown(std::string(61, 'x') + euro + "y") == std::string(61, 'x') + euro + "...");
        CHECK(shown(std::string(62, 'x') + euro) == std::string(62, 'x') + "...");
        CHECK(shown(std::string(63, 'x') + euro) == std::string(63, 'x') + "...");
        CHECK(shown(std::string(61, 'x') + smile) == std::string(61, 'x') + "...");
        CHECK(shown(std::string(60, 'x') + smile) == std::string(60, 'x') + smile);
        CHECK(shown(std::string(63, 'x') + "\xe2z") == std::string(63, 'x') + "\\xe2...");
    }

    TEST_CASE("record: the cut counts the payload's bytes, whatever they become") {
        const std::string before(62, 'x');
        CHECK(shown(before + "\xc2\x9b") == before + "\\xc2\\x9b");
        CHECK(shown(before + "\xc2\x9by") == before + "\\xc2\\x9b...");
        CHECK(shown(before + "x\xc2\x9b") == before + "x...");
        std::string payload;
        std::string escapes;
        for (int count = 0; count < 32; ++count) {
            payload += "\xc2\x9b";
            escapes += "\\xc2\\x9b";
        }
        CHECK(shown(payload) == escapes);
        CHECK(shown(payload + "y") == escapes + "...");
    }

    TEST_CASE("record: how long the work took is in seconds, behind the attempt") {
        using namespace std::chrono_literals;
        CHECK(record(CompletionKind::processed, {17, 1, "17"}, 12ms) ==
              "processed id=17 took=0.012s payload=17");
        CHECK(record(CompletionKind::emptied, {17, 2, ""}, 61s) ==
              "emptied id=17 attempt=2 took=61.000s payload=");
        const std::string longest =
            record(CompletionKind::processed, {UINT64_MAX, UINT32_MAX, std::string(65, '\1')},
                   std::chrono::steady_clock::duration::max());
        CHECK(longest.size() <= kMaxRecord);
        CHECK(longest.ends_with("\\x01..."));
    }

    TEST_CASE("record: a failure names attempt, reason and pause, and no pause where it is left") {
        using namespace std::chrono_literals;
        CHECK(failed_record({17, 1, "17"}, "exit status 3", 71ms) ==
              "failed id=17 attempt=1 reason=\"exit status 3\" retry_in=0.071s payload=17");
        CHECK(failed_record({17, 2, "a b"}, "signal SIGKILL", std::nullopt) ==
              "failed id=17 attempt=2 reason=\"signal SIGKILL\" payload=a b");
        CHECK(failed_record({1, 1, ""}, "x", 168h) ==
              "failed id=1 attempt=1 reason=\"x\" retry_in=604800.000s payload=");
        CHECK(dead_record({17, 4, std::string(65, 'x')}, "exit status 3") ==
              "dead id=17 attempt=4 reason=\"exit status 3\" payload=" + std::string(64, 'x') +
                  "...");
    }

    TEST_CASE("record: a reason is one value between quotes, whatever it holds") {
        const auto reason = [](std::string_view text) {
            const std::string whole = dead_record({1, 1, "p"}, text);
            constexpr std::string_view kBefore = "dead id=1 attempt=1 reason=";
            REQUIRE(whole.starts_with(kBefore));
            REQUIRE(whole.ends_with(" payload=p"));
            return whole.substr(kBefore.size(), whole.size() - kBefore.size() - 10);
        };
        CHECK(reason("") == "\"\"");
        CHECK(reason("say \"no\" \\ payload=17") == "\"say \\\"no\\\" \\\\ payload=17\"");
        CHECK(reason("a\nb\x1b[m") == "\"a\\\\nb\\\\x1b[m\"");
        CHECK(reason(std::string(1000, 'x')) == "\"" + std::string(256, 'x') + "\"");
        CHECK(reason(std::string(255, 'x') + "\xc3\xa4") == "\"" + std::string(255, 'x') + "\"");
    }
}
