#include "payload_source.hpp"

#include <doctest/doctest.h>

#include <string>

#include "descriptor.hpp"

using namespace drainpipe;

namespace {

std::string all_of(PayloadSource& source) {
    std::string all;
    std::string block;
    bool has_more = true;
    while (has_more) {
        block.clear();
        has_more = source.fill(block);
        all += block;
    }
    return all;
}

std::string lines_from(const std::string& text) {
    Pipe pipe = make_pipe();
    write_all(pipe.write_end.get(), text);
    pipe.write_end.reset();
    return all_of(*lines_of(pipe.read_end.get()));
}

}  // namespace

TEST_SUITE("payload_source") {
    TEST_CASE("source: numbers are the numbers from 1 on") {
        CHECK(all_of(*numbers_up_to(3)) == "1\n2\n3\n");
        const std::string many = all_of(*numbers_up_to(100000));
        CHECK(many.size() == 588895);
        CHECK(many.ends_with("\n99999\n100000\n"));
    }

    TEST_CASE("source: a last line without a newline gets one, an empty line stays") {
        CHECK(lines_from("a\n\nb") == "a\n\nb\n");
        CHECK(lines_from("a\n") == "a\n");
        CHECK(lines_from("") == "");
        CHECK(lines_from("\n") == "\n");
    }
}
