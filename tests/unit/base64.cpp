#include "base64.hpp"

#include <doctest/doctest.h>

#include <string>

#include "escape.hpp"

using namespace drainpipe;

TEST_SUITE("base64") {
    TEST_CASE("base64: it is what RFC 4648 says") {
        const std::string texts[][2] = {{"", ""},
                                        {"f", "Zg=="},
                                        {"fo", "Zm8="},
                                        {"foo", "Zm9v"},
                                        {"foob", "Zm9vYg=="},
                                        {"fooba", "Zm9vYmE="},
                                        {"foobar", "Zm9vYmFy"},
                                        {"\xff\xfe\xfb", "//77"}};
        for (const auto& [bytes, text] : texts) {
            CHECK(base64_encoded(bytes) == text);
            CHECK(base64_decoded(text) == bytes);
        }
    }

    TEST_CASE("base64: all bytes come back") {
        std::string bytes;
        for (int byte = 0; byte < 256; ++byte) {
            bytes += static_cast<char>(byte);
            CHECK(base64_decoded(base64_encoded(bytes)) == bytes);
        }
    }

    TEST_CASE("base64: what is none is refused") {
        for (const std::string text :
             {"Z", "Zg", "Zg=", "Z===", "====", "Zg==Zg==", "Zm9 ", "Zm9v\n", "=Zg=", "Zm-_"}) {
            CAPTURE(text);
            CHECK_FALSE(base64_decoded(text));
        }
    }

    TEST_CASE("utf-8: what is well-formed, and what is not") {
        for (const std::string text :
             {"", "a\x01\n", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"}) {
            CHECK(is_utf8(text));
        }
        CHECK(is_utf8(std::string(1, '\0')));
        for (const std::string text :
             {"\x80", "a\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff"}) {
            CHECK_FALSE(is_utf8(text));
        }
    }
}
