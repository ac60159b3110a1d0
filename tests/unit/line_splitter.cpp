#include "line_splitter.hpp"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

using drainpipe::wire::LineSplitter;
using Lines = std::vector<std::string>;

namespace {

// What comes out when `bytes` go in, in pieces of the given size; "<N>" for a line of N bytes that
// is too long.
Lines split(std::string_view bytes, std::size_t piece, std::uint64_t longest) {
    LineSplitter splitter(longest);
    Lines out;
    for (std::size_t begin = 0; begin < bytes.size(); begin += piece) {
        std::vector<LineSplitter::Line> lines;
        splitter.split(bytes.substr(begin, piece), lines);
        for (const LineSplitter::Line& line : lines) {
            out.push_back(line.is_too_long ? "<" + std::to_string(line.bytes) + ">"
                                           : std::string(line.payload));
        }
    }
    return out;
}

}  // namespace

TEST_SUITE("line_splitter") {
    TEST_CASE("splitter: the same lines come out however the bytes arrive") {
        const std::string text =
            "one\n\nthree words here\n" + std::string(30, 'x') + "\nlast\nrest";
        const Lines expected{"one", "", "three words here", "<30>", "last"};
        for (std::size_t piece = 1; piece <= text.size(); ++piece) {
            CAPTURE(piece);
            CHECK(split(text, piece, 20) == expected);
        }
    }

    TEST_CASE("splitter: a line of exactly the longest size is one, one byte more is too long") {
        CHECK(split("12345\n123456\n", 4, 5) == Lines{"12345", "<6>"});
    }

    TEST_CASE("splitter: an endless line is counted, not kept") {
        LineSplitter splitter(100);
        std::vector<LineSplitter::Line> lines;
        for (int piece = 0; piece < 1000; ++piece) {
            splitter.split(std::string(64, 'x'), lines);
            REQUIRE(splitter.kept() <= 100);
        }
        splitter.split("\nnext\n", lines);
        REQUIRE(lines.size() == 2);
        CHECK(lines[0].is_too_long);
        CHECK(lines[0].bytes == 64000);
        CHECK(lines[1].payload == "next");
    }
}
