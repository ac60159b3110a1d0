#include "escape.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <string>

using namespace drainpipe;

TEST_SUITE("escape") {
    TEST_CASE("escape: each byte that may need it is found, wherever it stands") {
        for (std::size_t size = 0; size <= 20; ++size) {
            CHECK(is_plain(std::string(size, '\x20')));
            for (std::size_t at = 0; at < size; ++at) {
                for (int byte = 0; byte < 256; ++byte) {
                    std::string text(size, '~');
                    text[at] = static_cast<char>(byte);
                    const bool may_need_it = byte < 0x20 || byte >= 0x7f;
                    CAPTURE(size);
                    CAPTURE(at);
                    CAPTURE(byte);
                    REQUIRE(is_plain(text) == !may_need_it);
                }
            }
        }
    }
}
