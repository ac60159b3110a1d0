#include "layout.hpp"

#include <doctest/doctest.h>

using drainpipe::Geometry;

TEST_SUITE("layout") {
    TEST_CASE("geometry: the parts lie one behind the other, the buffer on a page") {
        const Geometry geometry = Geometry::of(1000, 5000);
        CHECK(geometry.slots == 1024);
        CHECK(geometry.buffer_span == 8192);
        CHECK(geometry.retry_times_offset() == geometry.slots_offset() + 1024 * 4);
        CHECK(geometry.states_offset() == geometry.retry_times_offset() + 1024 * 4);
        CHECK(geometry.attempts_offset() == geometry.states_offset() + 1024);
        CHECK(geometry.buffer_offset() % 4096 == 0);
        CHECK(geometry.buffer_offset() >= geometry.attempts_offset() + 1024);
        CHECK(geometry.segment_bytes() == geometry.buffer_offset() + 8192);
    }

    TEST_CASE("geometry: there is a slot more than there can be events") {
        CHECK(Geometry::of(1023, 1).slots == 1024);
        CHECK(Geometry::of(1024, 1).slots == 2048);
    }

    TEST_CASE("geometry: the default fits a container's 64 MiB /dev/shm with room to spare") {
        CHECK(Geometry::of(262144, 16 << 20).segment_bytes() < (24 << 20));
    }

    TEST_CASE("geometry: one that could not have been made is not sound") {
        Geometry geometry = Geometry::of(100, 100);
        CHECK(geometry.is_sound());
        geometry.slots = 100;
        CHECK_FALSE(geometry.is_sound());
        geometry = Geometry::of(100, 100);
        geometry.capacity = 0;
        CHECK_FALSE(geometry.is_sound());
        geometry = Geometry::of(100, 100);
        geometry.buffer_bytes = std::uint64_t{1} << 40;
        CHECK_FALSE(geometry.is_sound());
    }
}
