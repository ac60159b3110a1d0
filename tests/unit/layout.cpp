#include "layout.hpp"

#include <doctest/doctest.h>

using namespace drainpipe;

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

    TEST_CASE("geometry: an alignment is a power of two, at most 64") {
        for (const std::uint64_t alignment : {1, 2, 4, 8, 16, 32, 64}) {
            CAPTURE(alignment);
            const Geometry geometry = Geometry::of(100, 100, alignment);
            CHECK(geometry.is_sound());
            CHECK(geometry.segment_bytes() == Geometry::of(100, 100).segment_bytes());
            CHECK((geometry == Geometry::of(100, 100)) == (alignment == 1));
        }
        for (const std::uint64_t alignment : {0, 3, 24, 128}) {
            CAPTURE(alignment);
            CHECK_FALSE(Geometry::of(100, 100, alignment).is_sound());
        }
    }

    TEST_CASE("layout: the geometry is followed by the identity, and the lock stays on its line") {
        CHECK(offsetof(Header, geometry) + sizeof(Geometry) == offsetof(Header, identity));
        CHECK(offsetof(Header, lock) == 64);
        CHECK(kHeaderBytes % kPageBytes == 0);
        CHECK(sizeof(Header) <= kHeaderBytes);
    }
}
