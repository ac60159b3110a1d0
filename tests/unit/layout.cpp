#include "layout.hpp"

#include <doctest/doctest.h>

using drainpipe::Shape;

TEST_SUITE("layout") {
    TEST_CASE("shape: the parts lie one behind the other, the buffer on a page") {
        const Shape shape = Shape::of(1000, 5000);
        CHECK(shape.slots == 1024);
        CHECK(shape.buffer_span == 8192);
        CHECK(shape.marks_offset() == shape.slots_offset() + 1024 * 4);
        CHECK(shape.attempts_offset() == shape.marks_offset() + 1024);
        CHECK(shape.buffer_offset() % 4096 == 0);
        CHECK(shape.buffer_offset() >= shape.attempts_offset() + 1024);
        CHECK(shape.segment_bytes() == shape.buffer_offset() + 8192);
    }

    TEST_CASE("shape: there is a slot more than there can be events") {
        CHECK(Shape::of(1023, 1).slots == 1024);
        CHECK(Shape::of(1024, 1).slots == 2048);
    }

    TEST_CASE("shape: the default fits a container's 64 MiB /dev/shm with room to spare") {
        CHECK(Shape::of(262144, 16 << 20).segment_bytes() < (24 << 20));
    }

    TEST_CASE("shape: one that could not have been made is not sound") {
        Shape shape = Shape::of(100, 100);
        CHECK(shape.is_sound());
        shape.slots = 100;
        CHECK_FALSE(shape.is_sound());
        shape = Shape::of(100, 100);
        shape.capacity = 0;
        CHECK_FALSE(shape.is_sound());
        shape = Shape::of(100, 100);
        shape.buffer_bytes = std::uint64_t{1} << 40;
        CHECK_FALSE(shape.is_sound());
    }
}
